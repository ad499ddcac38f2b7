"""The student in use: how it answers, and its evaluation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deepcoder.config.generate import TeacherConfig
from deepcoder.config.section import Section


class EngineConfig(Section):
    """How a student answers: in process, or any OpenAI-compatible server."""

    engine: Literal["local", "openai"] = "local"
    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    batch_size: int = Field(default=8, ge=1)
    max_new_tokens: int = Field(default=512, ge=1, description="tokens of one step")
    temperature: float = Field(default=0.0, ge=0, le=2)
    timeout_s: float = Field(default=120.0, gt=0, description="engine=openai: of one request")
    price_per_hour: float = Field(
        default=0.0, ge=0, description="of the machine that runs the student, in the currency of teacher.input_price"
    )


class RefereeConfig(TeacherConfig):
    """A model that compares the responses of student and teacher, as `provider:model`; none while `model` is empty."""

    model: str = ""
    temperature: float = Field(default=0.0, ge=0, le=2)
    problems: int = Field(default=40, ge=1, description="problems that it compares, each in both orders")


class NativeConfig(Section):
    """The untrained base in its own chat template, with its own thinking and tool calls, on a server that has them."""

    enabled: bool = False
    base_url: str | None = Field(default=None, description="of the server; unset: engine.base_url of engine=openai")
    model: str | None = Field(default=None, description="the server's name of the base; unset: student.model")
    api_key_env: str | None = None
    thinking: bool = True
    temperature: float = Field(default=0.6, ge=0, le=2)
    max_new_tokens: int = Field(default=4096, ge=1, description="tokens of one reply, its thinking included")


class EvaluateConfig(Section):
    """Evaluation of base, student and teacher on the same problems."""

    models: list[Literal["base", "student", "teacher"]] = Field(default=["base", "student", "teacher"])
    splits: list[str] = Field(default_factory=list, description="empty: every evaluation split of the source")
    limit: int | None = Field(default=None, ge=1, description="problems a split")
    concurrency: int = Field(default=8, ge=1)
    bootstrap: int = Field(default=2000, ge=100, description="draws of a bootstrap interval")
    ways: list[Literal["agent", "direct"]] = Field(
        default=["agent", "direct"], min_length=1,
        description="how --benchmark without --samples is solved: by the agent with tools, by direct completions",
    )  # fmt: skip
    samples: int = Field(default=1, ge=1, description="direct completions of each task; a single one is drawn greedily")
    temperature: float = Field(default=0.8, gt=0, le=2, description="of direct completions, where there are several")
    no_tools: bool = Field(default=False, description="also the student with execute_python answering that it is away")
    base_model: str | None = Field(default=None, description="engine=openai: the server's name of the untrained base")
    base_native: NativeConfig = NativeConfig()
    tool_calls: int = Field(default=40, ge=0, description="single calls asked of each model, in four kinds; 0: none")
    judge: RefereeConfig = RefereeConfig()
    max_failed: int = Field(
        default=0, ge=0, description="runs of a model that may fail (provider or sandbox) before the stage does"
    )
