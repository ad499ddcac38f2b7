from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.config import Config, dump_config, load_config
from deepcoder.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_recipe_loads_and_survives_a_round_trip(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    copy = tmp_path / "resolved.yaml"
    copy.write_text(dump_config(config))
    assert load_config(copy) == config


def test_an_unknown_key_is_refused_with_its_path_and_the_likely_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("train:\n  lora:\n    rnak: 8\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: unknown key train\.lora\.rnak \(did you mean rank\?\)"):
        load_config(path)


def test_a_value_out_of_range_names_the_key_and_what_was_given() -> None:
    with pytest.raises(ConfigError, match=r"train\.learning_rate: .*greater than 0 \(got -1\)"):
        load_config(None, ["train.learning_rate=-1"])


def test_overrides_win_over_the_file_and_are_yaml(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("problems: {train: 5, families: [dates]}\n")
    config = load_config(path, ["problems.train=7", "problems.families=[strings, lists]", "run.dir=/tmp/x"])
    assert config.problems.train == 7
    assert config.problems.families == ["strings", "lists"]
    assert config.run.dir == Path("/tmp/x")


@pytest.mark.parametrize("override", ["train", "=3", ""])
def test_an_override_without_key_and_value_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match=r"key\.sub=value"):
        load_config(None, [override])


def test_an_override_below_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="epochs is a value"):
        load_config(None, ["train.epochs=1", "train.epochs.x=2"])


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1,\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_config(path)


@given(st.integers(1, 10**6), st.floats(1e-9, 10.0))
def test_numbers_survive_the_yaml_round_trip(train: int, rate: float) -> None:
    config = load_config(None, [f"problems.train={train}"]).model_copy()
    tree = config.model_dump()
    tree["train"]["learning_rate"] = rate
    again = Config.model_validate(tree)
    import yaml

    assert Config.model_validate(yaml.safe_load(dump_config(again))) == again


def test_a_value_that_yaml_takes_for_a_comment_is_the_value():
    assert load_config(None, ["problems.answer_after=####"]).problems.answer_after == "####"
    assert load_config(None, ["problems.answer_after=null"]).problems.answer_after is None
