from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.generate.runs import a_run, act, finish

from deepcoder.generate.contamination import Hit
from deepcoder.generate.report import histogram, report
from deepcoder.generate.summary import EXAMPLES, power_of_two, summarise
from deepcoder.records import Outcome, Rejection, StopReason, Verdict


def test_lengths_tools_and_recoveries_of_verified_runs() -> None:
    failed = act("1 / 0", "ZeroDivisionError", error="tool_failed", output_tokens=20)
    look = act("math.gcd", "gcd(*integers)", action="retrieve_knowledge")
    summary = summarise([a_run(), a_run(failed, look, act(), finish(), family="sums")], [])
    text = report(summary, {"verified": 2}, [])
    assert (summary.verified, summary.recovered) == (2, 1)
    assert summary.steps == {2: 1, 4: 1}
    assert summary.tokens == {16: 1}
    assert "| execute_python | 3 | 50.0% |" in text
    assert "| retrieve_knowledge | 1 | 16.7% |" in text
    assert "Runs that recovered from a failed step: 1 (50.0%). Failed steps: tool_failed 1." in text
    assert "| sums | 1 | 0 |" in text
    assert "No hits." in text


def test_rejected_runs_by_reason_with_a_few_examples() -> None:
    wrong = [
        a_run(problem_id=f"w{number}", verdict=Verdict(outcome=Outcome.WRONG, detail="41 | 42")) for number in range(9)
    ]
    lost = a_run(act(), stop_reason=StopReason.MAX_STEPS, verdict=None, answer=None)
    looped = a_run(rejection=Rejection(reason="repetition", detail="step 1"))
    text = report(summarise([], [*wrong, lost, looped]), {}, [])
    assert "| wrong | 9 | 81.8% |" in text
    assert text.count("41 | 42") == EXAMPLES
    assert text.index("### wrong") < text.index("### max_steps") < text.index("### repetition")
    assert "`p`, 2 steps: step 1" in text


def test_what_a_model_wrote_cannot_end_its_block() -> None:
    nasty = a_run(finish(raw="```\n# No heading\n| no | table |"), rejection=Rejection(reason="repetition"))
    text = report(summarise([], [nasty]), {}, [Hit("a|b", "own", "t", "prompt", "x | y")])
    assert "\n    # No heading\n    | no | table |\n" in text
    assert "| a\\|b | t | prompt | x \\| y |" in text


def test_hits_by_text_come_before_those_by_id() -> None:
    hits = [Hit(f"mbpp/{number}", "mbpp-test", f"mbpp/{number}", "id") for number in range(60)]
    text = report(summarise([], []), {}, [*hits, Hit("mine", "mbpp-test", "mbpp/11", "prompt", "remove first")])
    assert "| mbpp-test | id | 60 |" in text
    assert text.index("| mine | mbpp/11 |") < text.index("| mbpp/0 |")
    assert "... and 11 more: contamination.json." in text


@given(st.dictionaries(st.integers(0, 10**6), st.integers(1, 10**6), min_size=1, max_size=20))
def test_a_bar_for_every_value(counts: dict[int, int]) -> None:
    lines = histogram(Counter(counts)).splitlines()
    assert [int(line.split()[0]) for line in lines] == sorted(counts)
    assert all(1 <= line.count("█") <= 40 for line in lines)
    assert max(line.count("█") for line in lines) == 40


@given(st.integers(1, 10**9))
def test_the_power_of_two_below(size: int) -> None:
    assert power_of_two(size) <= size < 2 * power_of_two(size)
    assert power_of_two(0) == 0
