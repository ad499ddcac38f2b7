from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from deepcoder.config import Config, load_config
from deepcoder.errors import (
    AlignmentError,
    AuthenticationError,
    ConfigError,
    ModelUnavailable,
    ProviderError,
    StageError,
)
from deepcoder.models import persistence
from deepcoder.models.nano import load_nano, load_tokenizer
from deepcoder.runs import RunFolder
from deepcoder.score import outputs, run
from deepcoder.scores import Scores, example_hash, read_scores, trained_tokens
from tests.fakes.provider import CutBody, Garbage, Refusal, Reset, too_many
from tests.fakes.scoring import FakeScorer, Unscored
from tests.train.students import random_rows, tiny_model, write_examples

Rows = list[tuple[list[int], list[int]]]
ROWS = random_rows(9)


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model(seed=5)


@pytest.fixture
def server(model: Any) -> Iterator[FakeScorer]:
    with FakeScorer(model, load_tokenizer()) as scorer:
        yield scorer


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence.Patience, "pause", lambda self, tried: 0.0)


def config_for(folder: Path, server: FakeScorer, *overrides: str, rows: Rows = ROWS) -> Config:
    if not (folder / "examples").exists():
        write_examples(folder / "examples", rows)
    settings = [f"run.dir={folder}", f"score.base_url={server.base_url}", "score.model=scorer", "score.k=5"]
    return load_config(None, [*settings, "score.concurrency=2", *overrides])


def score(config: Config) -> dict[str, int | float | str]:
    return run(config, RunFolder(config), Console(file=io.StringIO(), width=200))


def stored(config: Config) -> dict[str, Scores]:
    rows = list(read_scores(RunFolder(config).stage("score")))
    assert len({row.example for row in rows}) == len(rows), "stored twice"
    return {row.example: row for row in rows}


def name_of(ids: list[int], spans: list[int]) -> str:
    return example_hash(np.array(ids, np.int32), np.array(spans, np.int8))


def check(model: Any, rows: Rows, found: dict[str, Scores], k: int) -> None:
    """Every stored row against the model's own logits."""
    assert found.keys() == {name_of(*row) for row in rows}
    for ids, spans in rows:
        with torch.no_grad():
            log_p = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].float(), -1)
        positions = trained_tokens(np.array(spans, np.int8))
        expected = log_p[torch.from_numpy(positions) - 1].topk(k)
        row = found[name_of(ids, spans)]
        assert row.ids.tolist() == expected.indices.tolist()
        np.testing.assert_allclose(row.log_probs.astype(np.float32), expected.values.numpy(), rtol=2**-11, atol=1e-7)


def test_the_scores_are_the_models_own(tmp_path: Path, server: FakeScorer, model: Any) -> None:
    config = config_for(tmp_path, server)
    counts = score(config)
    check(model, ROWS, stored(config), 5)
    tokens = sum(len(trained_tokens(np.array(spans))) for _, spans in ROWS)
    assert (counts["examples"], counts["tokens"], counts["k"], counts["model"]) == (9, tokens, 5, "scorer")
    assert server.answered == 9
    assert all(len(request["prompt"]) <= max(len(ids) for ids, _ in ROWS) for request in server.requests)


def test_the_scores_of_nano_itself(tmp_path: Path) -> None:
    nano = load_nano()
    text = "Thought: 12 * 34 is 408\nAction: finish\nAction Input:\n408<|im_end|>"
    ids = nano.tokenizer(text)["input_ids"]
    rows = [(list(ids), [0, 0, *([1] * 6), *([2] * (len(ids) - 8))])]
    with FakeScorer(nano.model, nano.tokenizer) as server:
        config = config_for(tmp_path, server, "score.k=20", rows=rows)
        counts = score(config)
    check(nano.model, rows, stored(config), 20)
    assert 0.5 < float(counts["probability in the top k"]) <= 1.001


def test_faults_are_waited_out_and_nothing_is_lost(tmp_path: Path, server: FakeScorer, model: Any) -> None:
    config = config_for(tmp_path, server, "score.max_attempts=8")
    score(config_for(tmp_path, server))  # proven
    # The first two answers of the second session are good, then these come.
    faults = [too_many(0.01), CutBody(), Reset(), Garbage(), Refusal(503), Unscored()]
    rows = random_rows(12, seed=3)
    write_examples(tmp_path / "examples", rows)
    real = server.outcome

    def outcome(body: dict[str, Any]) -> Any:
        if faults and server.seen >= 9 + 2:
            server.script.append(faults.pop(0))
        return real(body)

    server.outcome = outcome  # type: ignore[method-assign]
    score(config)
    assert not faults
    found = stored(config)
    check(model, rows, {name: row for name, row in found.items() if name in {name_of(*each) for each in rows}}, 5)


def test_what_is_scored_is_not_asked_again(tmp_path: Path, server: FakeScorer, model: Any) -> None:
    config = config_for(tmp_path, server, "score.shard_rows=2")
    first = score(config)
    assert len(outputs(RunFolder(config))) == 5
    outputs(RunFolder(config))[1].unlink()
    assert score(config) == first | {"bytes a token": score(config)["bytes a token"]}
    assert server.answered == 9 + 2
    check(model, ROWS, stored(config), 5)


def test_equal_examples_are_asked_once(tmp_path: Path, server: FakeScorer) -> None:
    score(config_for(tmp_path, server, rows=[*ROWS, ROWS[0]]))
    assert server.answered == 9


def test_another_vocabulary_is_refused_by_its_tokenization(tmp_path: Path, model: Any) -> None:
    with FakeScorer(model, other_tokenizer(lambda vocabulary: swap(vocabulary, "1", "2"))) as server:
        with pytest.raises(AlignmentError, match=r"vocabulary: it makes .* token \d+ is"):
            score(config_for(tmp_path, server))
        assert not server.requests


def test_another_vocabulary_is_refused_by_its_spelling(tmp_path: Path, model: Any) -> None:
    tokens = sorted({token for ids, _ in ROWS for token in ids})
    names = load_tokenizer().convert_ids_to_tokens(tokens[:2])
    with FakeScorer(model, other_tokenizer(lambda vocabulary: swap(vocabulary, *names)), tokenize=False) as server:
        with pytest.raises(AlignmentError, match=r"token \d+ is .* there, .* here"):
            score(config_for(tmp_path, server, "score.k=20"))
        assert not outputs(RunFolder(config_for(tmp_path, server)))


def test_a_vocabulary_that_cannot_be_compared_is_refused(tmp_path: Path, model: Any) -> None:
    with FakeScorer(model, None) as server, pytest.raises(AlignmentError, match="cannot be compared"):
        score(config_for(tmp_path, server))


def other_tokenizer(change: Callable[[dict[str, int]], None]) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tree = json.loads(load_tokenizer().backend_tokenizer.to_str())
    change(tree["model"]["vocab"])
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(tree)))


def swap(vocabulary: dict[str, int], one: str, other: str) -> None:
    vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]


def test_a_server_without_prompt_logprobs_is_told_at_once(tmp_path: Path, server: FakeScorer) -> None:
    server.script.append(Unscored())
    with pytest.raises(ProviderError, match="answers without prompt_logprobs"):
        score(config_for(tmp_path, server))
    assert server.seen == 1


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["score.model=null"], ConfigError, "score.model is not set"),
        (["score.model=another"], ModelUnavailable, "score.model=another"),
        (["score.k=21"], ProviderError, "greater than max allowed: 20"),
        (["score.base_url=http://127.0.0.1:9/v1", "score.max_attempts=1"], ProviderError, "connection failed"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, server: FakeScorer, overrides: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        score(config_for(tmp_path, server, *overrides))


def test_a_text_longer_than_the_context_is_named_and_the_others_are_scored(tmp_path: Path, model: Any) -> None:
    longest = max(len(ids) for ids, _ in ROWS)
    with FakeScorer(model, load_tokenizer(), max_model_len=longest) as server:
        config = config_for(tmp_path, server)
        with pytest.raises(StageError, match=r"of 9 examples have no scores.*maximum context length"):
            score(config)
        assert 0 < len(stored(config)) < 9


def test_the_key_is_sent_and_a_wrong_one_ends_the_run(
    tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeScorer(model, load_tokenizer(), key="right") as server:
        config = config_for(tmp_path, server, "score.api_key_env=SCORER_KEY")
        monkeypatch.delenv("SCORER_KEY", raising=False)
        with pytest.raises(AuthenticationError, match="SCORER_KEY is not set"):
            score(config)
        monkeypatch.setenv("SCORER_KEY", "wrong")
        with pytest.raises(AuthenticationError, match="refused the key in SCORER_KEY"):
            score(config)
        monkeypatch.setenv("SCORER_KEY", "right")
        assert score(config)["examples"] == 9


def test_an_answer_that_never_ends_is_given_up(tmp_path: Path, server: FakeScorer) -> None:
    real = server.completion
    server.completion = lambda body, **more: (time.sleep(0.3), real(body, **more))[1]  # type: ignore[method-assign]
    with pytest.raises(ProviderError, match=r"no answer within the time limit \(score.timeout_s\)"):
        score(config_for(tmp_path, server, "score.timeout_s=0.1", "score.max_attempts=1"))


# --- a process that dies --------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from rich.console import Console
from deepcoder.config import load_config
from deepcoder.runs import RunFolder
from deepcoder.score import run
config = load_config(Path(sys.argv[1]))
run(config, RunFolder(config), Console())
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_session_costs_one_file_at_most(tmp_path: Path, model: Any, number: signal.Signals) -> None:
    rows = random_rows(40, seed=8)
    with FakeScorer(model, load_tokenizer()) as server:
        real = server.completion
        server.completion = lambda body, **more: (time.sleep(0.02), real(body, **more))[1]  # type: ignore[method-assign]
        config = config_for(tmp_path, server, "score.shard_rows=4", rows=rows)
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(json.dumps(config.model_dump(mode="json")))
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(recipe)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        while len(outputs(RunFolder(config))) < 3:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.005)
        process.send_signal(number)
        process.communicate(timeout=60)
        before, asked = len(stored(config)), server.answered
        assert 12 <= before < 40
        score(config)
        assert server.answered - asked == 40 - before
        assert asked - before <= 4 + 2 * 4 + 2  # a file, and what was asked ahead
    check(model, rows, stored(config), 5)
