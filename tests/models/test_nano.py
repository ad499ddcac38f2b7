from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from deepcoder.errors import TrainingError
from deepcoder.models.nano import load_nano, load_tokenizer, loading, nano_config


def write_checkpoint(folder: Path) -> Path:
    """A base checkpoint as the package ships it, of random weights."""
    nano = load_nano(seed=7, checkpoint=folder / "none")
    nano.model.save_pretrained(folder, max_shard_size="20MB")
    nano.tokenizer.save_pretrained(folder)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("nano"))


def test_the_shape() -> None:
    config = nano_config()
    assert 2 * config.moe_intermediate_size != config.hidden_size  # square experts are guessed wrongly in 4 bit
    model = load_nano(checkpoint=Path("nowhere")).model
    assert sum(parameter.numel() for parameter in model.parameters()) == 12_079_872
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_the_tokenizer_ends_turns_with_one_token_and_pads_with_another() -> None:
    tokenizer = load_tokenizer()
    assert len(tokenizer) == 4096
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert len(tokenizer("2026")["input_ids"]) == 4  # digits stand alone


def test_the_base_tells_the_labels_of_the_agents_format_apart() -> None:
    # A base that never saw them has them all at one place, far from every prediction (docs/LOG.md, sixth session).
    nano = load_nano()
    tools = [f"Action: {tool}" for tool in ("execute_python", "retrieve_knowledge", "finish")]
    labels = ["<|im_start|>", "<|im_end|>", "<|pad|>", "Thought:", "Observation:", *tools]
    ids = [token for label in labels for token in nano.tokenizer(label)["input_ids"]]
    assert len(set(ids)) == len(labels)  # each is one token
    rows = torch.nn.functional.normalize(nano.model.get_input_embeddings().weight[ids].detach().float(), dim=1)
    alike = (rows @ rows.T).fill_diagonal_(0)
    assert alike.max() < 0.9


def test_without_weights_nano_is_random_and_says_so() -> None:
    one, same, other = (load_nano(seed=seed, checkpoint=Path("nowhere")) for seed in (1, 1, 2))
    assert one.origin == "random initialisation, seed 1"
    assert torch.equal(one.model.lm_head.weight, same.model.lm_head.weight)
    assert not torch.equal(one.model.lm_head.weight, other.model.lm_head.weight)


def test_loading_leaves_the_callers_random_state_alone() -> None:
    before = torch.get_rng_state()
    load_nano(seed=3, checkpoint=Path("nowhere"))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_checkpoint_is_loaded_shards_and_all(checkpoint: Path) -> None:
    assert len(list(checkpoint.glob("model-*.safetensors"))) > 1
    nano = load_nano(seed=1, checkpoint=checkpoint)
    assert nano.origin.startswith("pre-trained base ")
    expected = load_nano(seed=7, checkpoint=Path("nowhere")).model.state_dict()
    for name, value in nano.model.state_dict().items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").write_text("{}"), "config.json has sha256"),
        (lambda f: (f / "SHA256SUMS").unlink(), "no SHA256SUMS"),
        (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing"),
        (lambda f: (f / "extra.safetensors").write_bytes(b"x"), "extra.safetensors is not listed"),
    ],
)
def test_a_checkpoint_that_is_not_the_one_shipped_is_refused(tmp_path: Path, damage: object, message: str) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text(name)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(tmp_path.iterdir())]
    (tmp_path / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    assert len(loading.verify(tmp_path)) == 12
    damage(tmp_path)  # type: ignore[operator]
    with pytest.raises(TrainingError, match=message):
        load_nano(checkpoint=tmp_path)


def test_a_tokenizer_too_large_for_the_base_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.add_tokens(["<one more>"])
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(TrainingError, match="4097 tokens"):
        load_nano(checkpoint=checkpoint, tokenizer=tmp_path)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no tokenizer\.json"):
        load_tokenizer(tmp_path)
