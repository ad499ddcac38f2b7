"""Sentences around a wording: what turns "the sum of 1, 2" into something that somebody asks.

Frames for training and frames for held-out wording have no line in common. `{x}` is the wording, `{X}` the
wording with a capital letter; `{name}` a first name.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepcoder.problems.procedural.operation import Kind


@dataclass(frozen=True)
class Frames:
    """The frames of one side. `outer` goes around whole sentences; the rest are suffixes by kind of answer."""

    n: tuple[str, ...]
    p: tuple[str, ...]
    v: tuple[str, ...]
    q: tuple[str, ...]
    outer: tuple[str, ...]
    boolean: tuple[str, ...]
    yes_no: tuple[str, ...]
    as_list: tuple[str, ...]
    rounded: tuple[str, ...]

    def around(self, kind: Kind) -> tuple[str, ...]:
        """The frames that fit a kind of template."""
        return {"n": self.n, "p": self.p, "v": self.v, "q": self.q}[kind]


def lines(block: str) -> tuple[str, ...]:
    """One frame a line."""
    return tuple(line.strip() for line in block.strip().splitlines())


TRAIN = Frames(
    n=lines("""
        What is {x}?
        What is {x}?
        What's {x}?
        Find {x}.
        Compute {x}.
        Calculate {x}.
        Determine {x}.
        Give me {x}.
        Tell me {x}.
        Work out {x}.
        Print {x}.
        Return {x}.
        Output {x}
        Please find {x}.
        I need {x}.
        I need to know {x}.
        Can you tell me {x}?
        Could you work out {x}?
        Can you find {x} for me?
        Use Python to find {x}.
        Use code to get {x}.
        Write a short program that prints {x}.
        Do you know {x}?
        {X}?
        {x}
        {X}.
        {name} needs {x}.
        {name} wants to know {x}. What is it?
        Show me {x}
        What would be {x}?
    """),
    p=lines("""
        What are {x}?
        What are {x}?
        Find {x}.
        Compute {x}.
        Give me {x}.
        List {x}.
        Print {x}.
        Return {x}.
        Output {x}
        Show {x}.
        Tell me {x}.
        Determine {x}.
        Please give {x}.
        I need {x}.
        Can you find {x}?
        Could you give me {x}?
        Use Python to get {x}.
        Write a short program that prints {x}.
        {X}?
        {x}
        {X}.
        {name} is looking for {x}.
        {name} asks for {x}.
        I want {x}
    """),
    v=lines("""
        {X}.
        {X}.
        {X}
        {x}
        Please {x}.
        Can you {x}?
        Could you {x}?
        Use Python to {x}.
        Run some Python to {x}.
        I want to {x}. What do I get?
        I need to {x}.
        Help me {x}.
        Your task: {x}.
        Your job is to {x}.
        Write code to {x} and tell me the result.
        What is the result if you {x}?
        What do you get if you {x}?
        {X}; show the result.
        {X} - what is the answer?
        {name} wants to {x}. What comes out?
        {X}, please.
        I would like you to {x}.
        Can you please {x}
        {X} for me.
    """),
    q=lines("""
        {X}
        {X}
        {X}
        {x}
        {X}
    """),
    outer=lines("""
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        Question: {X}
        Hi! {X}
        Hello. {X}
        Quick question: {x}
        I have a question. {X}
        A small exercise: {x}
        Solve this: {x}
        Task: {X}
        {X} Use Python.
        {X} You can run code.
        {name} asks: {X}
        For my homework: {x}
        Exercise. {X}
        Problem: {X}
    """),
    boolean=lines("""
        Answer True or False.
        True or False?
        (True/False)
        Reply with True or False.
        Say True or False.
        Print True or False.
        Give True or False.
        Answer with True or False only.
    """),
    yes_no=lines("""
        Answer yes or no.
        Yes or no?
        (yes/no)
        Reply with yes or no.
        Say yes or no.
        Just yes or no.
        Answer with yes or no only.
    """),
    as_list=lines("""
        Give a list.
        Answer with a Python list.
        Give the answer as a Python list.
        Return a list.
        The answer should be a list.
        Print a list.
        (as a list)
    """),
    rounded=lines("""
        Round to 2 decimals.
        Round to two decimal places.
        Give the answer to 2 decimal places.
        Round the result to 2 decimals.
        (2 decimals)
        Use two decimals.
        Answer rounded to 2 decimal places.
        Round your answer to two decimals.
    """),
)

HELD_OUT = Frames(
    n=lines("""
        I'd like to know {x}.
        Let me know {x}, please.
        Report {x}.
        Any idea what {x} is?
        {X}, please.
        Would you calculate {x}?
        Help me figure out {x}.
        Evaluate {x}.
        I am looking for {x}.
        Figure out {x}.
        {name} is curious about {x}. Help out.
        State {x}.
    """),
    p=lines("""
        I'd like to see {x}.
        Let me have {x}, please.
        Report {x}.
        {X}, please.
        Which are {x}?
        Would you list {x}?
        Figure out {x}.
        Display {x}.
        {name} has to write down {x}. Help out.
        Collect {x}.
    """),
    v=lines("""
        Would you {x}?
        Kindly {x}.
        Go ahead and {x}.
        The exercise is to {x}.
        I'd like you to {x}.
        Let's {x}.
        Try to {x} and report what you get.
        I'd be glad if you could {x}.
        {name} was told to {x}. What should the answer be?
        Time to {x}.
        Now {x} and report back.
        We have to {x}.
    """),
    q=lines("""
        {X}
        {X}
        {x}
    """),
    outer=lines("""
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        {X}
        Here is one for you. {X}
        Good morning! {X}
        Puzzle: {x}
        {X} Thanks!
        {name} sent me this: {X}
        Consider the following. {X}
        {X} I only need the result.
        On a quiz: {x}
    """),
    boolean=lines("""
        Respond with True or False.
        Your answer must be True or False.
        Is this True or False?
        Output either True or False.
    """),
    yes_no=lines("""
        Respond with yes or no.
        Your answer must be yes or no.
        A yes or a no is enough.
        Output either yes or no.
    """),
    as_list=lines("""
        Write the result as a list.
        I expect a Python list.
        Respond with a list.
    """),
    rounded=lines("""
        Keep 2 decimals.
        Two digits after the decimal point.
        I want it rounded to 2 places.
        Respond with 2 decimals.
    """),
)


def frames_for(held_out_wording: bool) -> Frames:
    """The frames of a side."""
    return HELD_OUT if held_out_wording else TRAIN
