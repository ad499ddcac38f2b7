"""A whole recipe: YAML files and `key.sub=value` overrides to one Config.

One YAML file is one recipe. Unknown keys are refused with their path; nothing is read from the
environment but API keys, whose variable names stand in the config.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from deepcoder.config.agent import AgentConfig, KnowledgeConfig, SandboxConfig
from deepcoder.config.evaluate import EngineConfig, EvaluateConfig
from deepcoder.config.generate import GenerateConfig, ProblemsConfig, TeacherConfig
from deepcoder.config.rounds import RoundsConfig
from deepcoder.config.section import Section
from deepcoder.config.serve import ServeConfig
from deepcoder.config.train import PrepareConfig, ScoreConfig, StudentConfig, TrainConfig
from deepcoder.errors import ConfigError


class RunConfig(Section):
    """Where results go and which seed everything derives from."""

    dir: Path = Path("runs/demo")
    seed: int = 0


class Config(Section):
    """A whole recipe."""

    run: RunConfig = RunConfig()
    problems: ProblemsConfig = ProblemsConfig()
    teacher: TeacherConfig = TeacherConfig()
    agent: AgentConfig = AgentConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    sandbox: SandboxConfig = SandboxConfig()
    generate: GenerateConfig = GenerateConfig()
    student: StudentConfig = StudentConfig()
    prepare: PrepareConfig = PrepareConfig()
    score: ScoreConfig = ScoreConfig()
    train: TrainConfig = TrainConfig()
    rounds: RoundsConfig = RoundsConfig()
    engine: EngineConfig = EngineConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    serve: ServeConfig = ServeConfig()


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """The config in `path` (None: all defaults) with `key.sub=value` overrides; values are YAML."""
    tree: dict[str, Any] = {}
    if path is not None:
        tree = _read_yaml(path)
    for override in overrides:
        _apply(tree, override)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise _explain(error, path) from None


def dump_config(config: Config) -> str:
    """The resolved config as YAML; `load_config` of it gives the same Config."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config file {path} does not exist", hint="ready ones lie in configs/") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is not valid YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"config file {path} must hold a mapping, not {type(tree).__name__}")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise ConfigError(f"override {override!r} is not of the form key.sub=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if value is None and text.lstrip().startswith("#"):  # a comment to YAML, a value to who wrote it
        value = text
    *parents, last = key.split(".")
    node = tree
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"override {override!r}: {parent} is a value, not a section")
        node = child
    node[last] = value


def _explain(error: ValidationError, path: Path | None) -> ConfigError:
    where = str(path) if path is not None else "the overrides"
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown key {key}{_suggest(item['loc'])}")
        else:
            lines.append(f"{key}: {item['msg']} (got {item['input']!r})")
    return ConfigError(f"{where}: " + "; ".join(lines), hint="every key and its default: deepcoder doctor --config")


def _suggest(loc: tuple[int | str, ...]) -> str:
    model: Any = Config
    for part in loc[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field is not None else None
    names = list(getattr(model, "model_fields", {}))
    close = difflib.get_close_matches(str(loc[-1]), names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
