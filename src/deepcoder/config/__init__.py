"""The whole configuration: one pydantic model a section, grouped by stage; `recipe` reads them from YAML."""

from __future__ import annotations

from deepcoder.config.agent import AgentConfig, EmbeddingConfig, KnowledgeConfig, SandboxConfig
from deepcoder.config.evaluate import EngineConfig, EvaluateConfig, NativeConfig, RefereeConfig
from deepcoder.config.generate import (
    DecontaminateConfig,
    DuplicatesConfig,
    GenerateConfig,
    ProblemsConfig,
    QualityConfig,
    TeacherConfig,
)
from deepcoder.config.recipe import Config, RunConfig, dump_config, load_config
from deepcoder.config.rounds import RolloutConfig, RoundsConfig
from deepcoder.config.section import Section
from deepcoder.config.serve import RateLimitConfig, ServeConfig
from deepcoder.config.train import (
    CurriculumConfig,
    LambdaConfig,
    LocalTeacherConfig,
    LoraConfig,
    PrepareConfig,
    ScoreConfig,
    StudentConfig,
    TrainConfig,
)

__all__ = [
    "AgentConfig",
    "Config",
    "CurriculumConfig",
    "DecontaminateConfig",
    "DuplicatesConfig",
    "EmbeddingConfig",
    "EngineConfig",
    "EvaluateConfig",
    "GenerateConfig",
    "KnowledgeConfig",
    "LambdaConfig",
    "LocalTeacherConfig",
    "LoraConfig",
    "NativeConfig",
    "PrepareConfig",
    "ProblemsConfig",
    "QualityConfig",
    "RateLimitConfig",
    "RefereeConfig",
    "RolloutConfig",
    "RoundsConfig",
    "RunConfig",
    "SandboxConfig",
    "ScoreConfig",
    "Section",
    "ServeConfig",
    "StudentConfig",
    "TeacherConfig",
    "TrainConfig",
    "dump_config",
    "load_config",
]
