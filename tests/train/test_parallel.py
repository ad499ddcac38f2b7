from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from deepcoder.config import Config, LoraConfig, TrainConfig
from deepcoder.errors import TrainingError
from deepcoder.runs import RunFolder, hash_of, stage_settings
from deepcoder.train import parallel, run
from deepcoder.train.parallel import average_gradients, begin_alike, check_parallel, sharded
from deepcoder.train.preflight import estimate, student_config
from deepcoder.train.shape import shape_of
from deepcoder.train.student import add_adapters
from deepcoder.train.weights import read_weights
from tests.train.ranks import with_ranks
from tests.train.students import save_tiny_student, tiny_model
from tests.train.test_stage import config_for, losses, quiet


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_student(tmp_path_factory.mktemp("student"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"backend": "unsloth", "method": "lora"}, "NF4"), ({"optimizer": "adamw_8bit"}, "adamw_8bit")],
)
def test_what_cannot_be_sharded_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        check_parallel(TrainConfig(parallel="fsdp2", **settings))  # type: ignore[arg-type]
    check_parallel(TrainConfig(parallel="ddp", **settings))  # type: ignore[arg-type]


def test_unsloth_hears_of_it_before_it_is_imported(tmp_path: Path) -> None:
    config = Config.model_validate(
        {"run": {"dir": tmp_path}, "train": {"backend": "unsloth", "method": "lora", "parallel": "fsdp2"}}
    )
    with pytest.raises(TrainingError, match=r"train\.parallel=fsdp2 needs train\.backend=transformers"):
        run(config, RunFolder(config), quiet())


def test_one_process_has_nothing_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    train = TrainConfig(parallel="fsdp2")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not sharded(train)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert sharded(train)
    assert not sharded(TrainConfig())


def test_a_run_may_go_on_in_the_other_way() -> None:
    hashes = {hash_of(stage_settings(Config(train=TrainConfig(parallel=way)), "train")) for way in ("ddp", "fsdp2")}
    assert len(hashes) == 1


@pytest.fixture
def other_rank(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A second rank whose gradients and weights are all 3; the sizes of what this one sends."""
    sent: list[int] = []

    def all_reduce(flat: torch.Tensor) -> None:
        sent.append(flat.numel())
        flat += 3

    def broadcast(flat: torch.Tensor, source: int) -> None:
        assert source == 0
        sent.append(flat.numel())
        flat.fill_(3)

    for name, fake in {"all_reduce": all_reduce, "broadcast": broadcast, "get_world_size": lambda: 2}.items():
        monkeypatch.setattr(parallel.dist, name, fake)
    return sent


def test_gradients_become_the_mean_over_the_ranks(other_rank: list[int]) -> None:
    frozen, matrix, half, unused = (nn.Parameter(torch.zeros(2, 2)) for _ in range(4))
    frozen.requires_grad = False
    half.data = half.data.to(torch.bfloat16)
    matrix.grad = torch.tensor([[1.0, 5.0], [-3.0, 0.0]])
    half.grad = torch.ones(2, 2, dtype=torch.bfloat16)
    average_gradients([frozen, matrix, half, unused])
    assert matrix.grad.tolist() == [[2.0, 4.0], [0.0, 1.5]]
    assert half.grad is not None
    assert half.grad.dtype == torch.bfloat16
    assert (half.grad == 2).all()
    assert unused.grad is not None
    assert (unused.grad == 1.5).all()
    assert frozen.grad is None
    assert other_rank == [8, 4]


def test_only_what_is_trained_is_sent_at_the_start(other_rank: list[int]) -> None:
    model = add_adapters(tiny_model(), LoraConfig(rank=2))
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    begin_alike(model.parameters())
    for name, parameter in model.named_parameters():
        assert (parameter == 3).all() if parameter.requires_grad else torch.equal(parameter, before[name])
    assert sum(other_rank) == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_shards_divide_what_is_kept_and_gather_two_layers() -> None:
    shape, config = shape_of(student_config(Config())), Config()
    whole, half = (estimate(shape, config, 512, shards=shards) for shards in (1, 2))
    assert (half.weights, half.trained) == (whole.weights / 2, whole.trained / 2)
    assert half.kept == whole.kept
    layer = shape.attention + shape.experts * shape.mlp
    assert half.layer - whole.layer == 4 * (2 * layer + shape.parameters - shape.layers * layer)


def test_adapters_of_a_checkpoint_are_read_into_a_plain_model(tmp_path: Path) -> None:
    trained = add_adapters(tiny_model(), LoraConfig(rank=2, targets="attention+experts"))
    for parameter in trained.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter)
    trained.save_pretrained(tmp_path)  # type: ignore[operator]
    fresh = add_adapters(tiny_model(), LoraConfig(rank=2, targets="attention+experts"))
    read_weights(fresh, tmp_path)
    for (name, value), other in zip(fresh.state_dict().items(), trained.state_dict().values(), strict=True):
        assert torch.equal(value, other), name
    narrow = add_adapters(tiny_model(), LoraConfig(rank=2, targets="attention"))
    with pytest.raises(TrainingError, match="do not fit the student"):
        read_weights(narrow, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ("train.eval_fraction=0.25",),
        ("train.packing=true", "student.max_length=32", "train.gradient_checkpointing=true"),
        ("train.method=lora", "train.lora.rank=4", "train.eval_fraction=0.25"),
        ("train.method=lora", "train.lora={rank: 4, targets: attention+experts}"),
    ],
)
def test_a_sharded_run_is_that_of_one_process_which_can_go_on_from_it(
    tmp_path: Path, student: Path, settings: tuple[str, ...]
) -> None:
    one = config_for(tmp_path / "one", student, "train.batch_size=4", "train.gradient_accumulation=2", *settings)
    run(one, RunFolder(one), quiet())
    expected = losses(tmp_path / "one")
    split = ("train.batch_size=2", "train.gradient_accumulation=2", "train.save_steps=2", "train.keep_checkpoints=9")
    two = config_for(tmp_path / "two", student, *split, "train.parallel=fsdp2", *settings)
    with_ranks(tmp_path, two)
    place = tmp_path / "two" / "checkpoints"
    same_lines(losses(tmp_path / "two"), expected)
    same_files(tmp_path / "one" / "checkpoints" / "final", place / "final")
    # One process from the middle of it, then two from where one stopped.
    for name in ("final", *(f"checkpoint-{step}" for step in range(3, len(expected) + 1))):
        shutil.rmtree(place / name, ignore_errors=True)
    alone = config_for(tmp_path / "two", student, "train.batch_size=4", "train.gradient_accumulation=2", *settings)
    console = quiet()
    run(alone, RunFolder(alone), console)
    assert "resuming from checkpoint-2" in console.file.getvalue()  # type: ignore[attr-defined]
    same_lines(losses(tmp_path / "two"), expected)
    same_files(tmp_path / "one" / "checkpoints" / "final", place / "final")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ddp", "fsdp2"])
def test_ranks_go_on_from_what_one_process_stored(tmp_path: Path, student: Path, way: str) -> None:
    one = config_for(tmp_path, student, "train.batch_size=4", "train.save_steps=2", "train.keep_checkpoints=9")
    run(one, RunFolder(one), quiet())
    expected, place = losses(tmp_path), tmp_path / "checkpoints"
    shutil.copytree(place / "final", tmp_path / "final")
    for name in ("final", *(f"checkpoint-{step}" for step in range(3, len(expected) + 1))):
        shutil.rmtree(place / name, ignore_errors=True)
    said = with_ranks(tmp_path, config_for(tmp_path, student, "train.batch_size=2", f"train.parallel={way}"))
    assert "resuming from checkpoint-2" in said
    same_lines(losses(tmp_path), expected)
    same_files(tmp_path / "final", place / "final")


def same_lines(found: list[dict[str, float]], expected: list[dict[str, float]]) -> None:
    assert len(found) == len(expected) > 2
    for line, other in zip(expected, found, strict=True):
        assert other["tokens"] == line["tokens"]
        for name in ("loss", "loss_reason", "loss_act", "eval_loss"):
            if name in line and name in other:
                assert other[name] == pytest.approx(line[name], rel=1e-5), (line["step"], name)
        # torch's fp32 norm of a whole embedding is 5e-5 off on a CPU; that of its shares rounds in another way.
        assert other["grad_norm"] == pytest.approx(line["grad_norm"], rel=1e-4), line["step"]


def same_files(one: Path, other: Path) -> None:
    weights, others = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert weights.keys() == others.keys()
    for name, value in weights.items():  # Adam divides by the root of a mean: rounding weighs more where it is small
        torch.testing.assert_close(others[name], value, rtol=0, atol=2e-4, msg=name)
