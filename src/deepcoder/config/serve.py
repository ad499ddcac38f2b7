"""The HTTP service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from deepcoder.config.section import Section


class RateLimitConfig(Section):
    """Requests allowed to one key."""

    requests: str = "60/minute"
    storage: str = "memory://"


class ServeConfig(Section):
    """The HTTP service."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, description="processes; more than one needs rate_limit.storage in Redis")
    keys_file: Path = Path("keys.sqlite")
    model_name: str = Field(default="deepcoder", min_length=1, description="what /v1/models calls the student")
    max_body_bytes: int = Field(default=1_000_000, ge=1000)
    body_timeout_s: float = Field(default=20.0, gt=0, description="a request body must have arrived by then")
    max_problem_chars: int = Field(default=20_000, ge=1)
    max_concurrency: int = Field(default=8, ge=1, description="agent runs at a time, in each worker")
    max_queue: int = Field(default=32, ge=0, description="requests that may wait for a run, in each worker")
    queue_timeout_s: float = Field(default=30.0, gt=0)
    drain_s: float = Field(default=30.0, ge=0, description="time that running requests get after SIGTERM")
    heartbeat_s: float = Field(default=15.0, gt=0, description="an SSE comment when nothing else was sent")
    rate_limit: RateLimitConfig = RateLimitConfig()
    cors_origins: list[str] = Field(default_factory=list, description="empty: no cross-origin requests")
    page: bool = Field(default=True, description="the web page at /")
    metrics: bool = Field(default=True, description="Prometheus metrics at /metrics, without a key")
    otlp_endpoint: str | None = Field(
        default=None,
        description="of an OpenTelemetry collector, such as http://127.0.0.1:4318/v1/traces; unset: no spans",
    )
