from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
import torch
from rich.console import Console
from transformers import Qwen3MoeForCausalLM

from deepcoder.config import TrainConfig, load_config
from deepcoder.errors import TrainingError
from deepcoder.models.nano import load_nano, load_tokenizer
from deepcoder.runs import RunFolder
from deepcoder.train import run
from deepcoder.train.examples import Collator
from deepcoder.train.log import read_log
from deepcoder.train.new_tokens import learn_new_tokens, unseen_tokens
from deepcoder.train.tally import MEASURED
from tests.train.students import VOCABULARY, example_set, random_rows, tiny_model, write_examples

PAD, NEW, ABSENT = 3, (12, 40), 90  # random_rows has the tokens 10 to 59
TRAIN = TrainConfig(new_token_steps=6, batch_size=4)


def student() -> Qwen3MoeForCausalLM:
    """Its embeddings of PAD, NEW and ABSENT are one and the same, as after a pre-training that never had them."""
    model = tiny_model()
    embedding = model.get_input_embeddings().weight
    with torch.no_grad():
        embedding[[PAD, *NEW, ABSENT]] = embedding[VOCABULARY - 1].clone()
    return model


def learn(model: Qwen3MoeForCausalLM, train: TrainConfig = TRAIN, shown: list[str] | None = None) -> int:
    collator = Collator(example_set(random_rows(24)), PAD)
    return learn_new_tokens(model, collator, train, 0, [].append if shown is None else shown.append)


def test_tokens_that_stand_where_padding_stands_were_never_seen() -> None:
    embedding = torch.eye(6)
    embedding[4] = 2 * embedding[1] + 1e-3
    assert unseen_tokens(embedding, pad=1).tolist() == [4]
    assert unseen_tokens(embedding, pad=0).tolist() == []


def test_a_random_start_has_no_unseen_tokens() -> None:
    assert not len(unseen_tokens(tiny_model().get_input_embeddings().weight.detach(), PAD))


def test_nano_s_base_has_never_seen_the_labels_of_the_agent_s_format() -> None:
    tokenizer = load_tokenizer()
    embedding = load_nano().model.get_input_embeddings().weight.detach()
    unseen = set(tokenizer.convert_ids_to_tokens(unseen_tokens(embedding, tokenizer.pad_token_id).tolist()))
    assert {"<|im_start|>", "<|im_end|>", "Thought:"} <= unseen
    seen = set(tokenizer.tokenize("Count the letters. print(len('word'))")) & unseen
    assert not seen


def test_only_the_new_tokens_of_the_examples_change() -> None:
    before, after = student(), student()
    assert learn(after) == len(NEW)
    for (name, old), new in zip(before.state_dict().items(), after.state_dict().values(), strict=True):
        changed = (old != new).any(dim=tuple(range(1, old.ndim))).nonzero().flatten().tolist()
        assert changed == (list(NEW) if "embed" in name or "lm_head" in name else []), name
    assert all(parameter.requires_grad and parameter.grad is None for parameter in after.parameters())


def test_the_loss_falls_and_a_seed_decides_everything() -> None:
    shown: list[str] = []
    one, two = student(), student()
    longer = TRAIN.model_copy(update={"new_token_steps": 30, "logging_steps": 1})
    learn(one, longer, shown)
    learn(two, longer)
    losses = [float(line.rpartition(" ")[2]) for line in shown]
    assert len(losses) == 30
    assert sum(losses[-5:]) < sum(losses[:5])
    assert torch.equal(one.get_input_embeddings().weight, two.get_input_embeddings().weight)


def test_a_head_of_its_own_is_refused() -> None:
    with pytest.raises(TrainingError, match="whose head is its embedding"):
        learn(tiny_model(tied=False))


def test_with_adapters_it_is_refused(tmp_path: Path) -> None:
    write_examples(tmp_path / "examples", random_rows(4))
    config = load_config(None, [f"run.dir={tmp_path}", "train.method=lora", "train.new_token_steps=2"])
    with pytest.raises(TrainingError, match=r"train\.method=lora does not save"):
        run(config, RunFolder(config), Console(file=io.StringIO()))


def test_a_resumed_run_does_not_learn_them_again(tmp_path: Path) -> None:
    folder = tmp_path / "student"
    student().save_pretrained(folder)
    load_tokenizer().save_pretrained(folder)
    write_examples(tmp_path / "examples", random_rows(24))
    config = load_config(
        None,
        [
            f"run.dir={tmp_path}", f"student.model={folder}", "train.batch_size=4", "train.logging_steps=1",
            "train.save_steps=3", "train.threads=1", "train.new_token_steps=4",
        ],
    )  # fmt: skip
    place, console = tmp_path / "checkpoints", Console(file=io.StringIO(), width=200)

    def lines() -> list[dict[str, float]]:
        return [{k: v for k, v in line.items() if k not in MEASURED} for line in read_log(place / "log.jsonl")]

    run(config, RunFolder(config), console)
    assert "2 tokens that the base had never seen" in console.file.getvalue()  # type: ignore[attr-defined]
    whole = lines()
    shutil.rmtree(place / "final")
    shutil.rmtree(place / "checkpoint-6")
    again = Console(file=io.StringIO(), width=200)
    run(config, RunFolder(config), again)
    assert "resuming from checkpoint-3" in again.file.getvalue()  # type: ignore[attr-defined]
    assert "never seen" not in again.file.getvalue()  # type: ignore[attr-defined]
    assert lines() == whole
