"""First-thought prefix: a run's first thought begins with reasoning written unburdened by the agent's form.

After Kang et al., Distilling LLM Agent into Small Models with Retrieval and Code Tools (arXiv 2505.17612): asked to
act, a reasoning model thinks less than it can; its first step of chain of thought, put before the agent's first
thought, brings that back, and the student learns it as its own. The paper prefills the assistant's turn; most chat
APIs cannot, so the words are shown in a note to the first request and put before the thought if not repeated in it.
"""

from __future__ import annotations

import re

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from deepcoder.agent import Start, begun
from deepcoder.parser import as_thought, without_reasoning
from deepcoder.records import Trajectory

_ASK = """\
How do you begin with the problem below? Write only the first step of your reasoning, in two to four sentences of \
plain text: what is really asked, what is easily got wrong, and which way leads to the answer. Do not solve it yet; \
write no program and no answer.

Problem:
{problem}"""
_NOTE = "(Your first Thought begins with these words; go on from them, in the form above:\n{words})"
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s)|\n\s*\n|$)", re.DOTALL)


async def ask(model: BaseChatModel, problem: str, most: int) -> str:
    """The teacher's first words on a problem, at most `most` characters; "" where it wrote none."""
    message = await model.ainvoke([HumanMessage(_ASK.replace("{problem}", problem))])
    return opening(without_reasoning(str(message.text)), most)


def led_by(words: str) -> Start:
    """A run whose first thought begins with `words`."""
    return Start(thought=words, note=_NOTE.replace("{words}", words)) if words else Start()


def from_reasoning(trajectory: Trajectory, most: int) -> Trajectory:
    """The run with the opening of its first step's reasoning before that step's thought.

    The first step is the first with an action; without reasoning nothing changes.
    """
    for number, step in enumerate(trajectory.steps):
        if step.action:
            led = begun(step, opening(step.reasoning or "", most))
            steps = (*trajectory.steps[:number], led, *trajectory.steps[number + 1 :])
            return trajectory.model_copy(update={"steps": steps})
    return trajectory


def opening(text: str, most: int) -> str:
    """The whole sentences at the beginning of a text that fit into `most` characters; of a longer first one its words.

    As a thought: without labels of the agent's form, and without code.
    """
    text = as_thought(text).partition("```")[0]
    text = re.sub(r"\AThought -\s*", "", text).strip()
    if len(text) <= most:
        return text
    end = 0
    for match in _SENTENCE.finditer(text):
        if len(text[: match.end()].rstrip()) > most:
            break
        end = match.end()
    return text[:end].rstrip() if end else text[: most + 1].rpartition(" ")[0] or text[:most]
