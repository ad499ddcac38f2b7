"""Steps of tools that are not the three standard ones are prepared like any other."""

from __future__ import annotations

from tests.prepare.prepare_chats import FINISH, RUN, trajectory

from deepcoder.prepare.align import Aligner
from deepcoder.prepare.build import Tally, prepare
from deepcoder.records import Span, Step
from deepcoder.view.spans import Part, runs_of

OTHER = Step(thought="I need the rate.", action="exchange_rate", input="USD", observation="1 EUR = 1.25 USD")


def test_an_own_tool_is_an_action_to_the_loss(nano: Aligner) -> None:
    run = trajectory(OTHER, RUN, FINISH)
    [example] = prepare([run], nano, first_message=lambda text: text, max_length=10_000, tally=Tally())
    tokens = example.tokens
    text = {
        span: nano.tokenizer.decode([i for i, s in zip(tokens.input_ids, tokens.span_ids, strict=True) if s == span])
        for span in Span
    }
    assert "Action: exchange_rate\nAction Input:\nUSD" in text[Span.ACT]
    assert "I need the rate." in text[Span.REASON]
    assert "1 EUR = 1.25 USD" in text[Span.OBSERVATION]


def test_an_own_tool_is_shown() -> None:
    [rate] = [run for run in runs_of(trajectory(OTHER, FINISH)) if run.part is Part.ACT and run.step == 0]
    assert rate.text == "Action: exchange_rate\nAction Input:\nUSD"
