"""Prometheus metrics. Every label comes from a fixed set: a label is as public as a log line.

Where `serve` has several workers, prometheus_client keeps the values in files of a folder that they share (its
multiprocess mode, which the environment switches on before it is imported), and whichever is scraped tells of all.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from deepcoder.records import Action, Step, StopReason, Trajectory

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_KNOWN = frozenset(action.value for action in Action)


class Metrics:
    """One registry an app, so that two apps in a process do not count into each other."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter("deepcoder_requests", "HTTP requests", ["route", "method", "status"], registry=registry)
        self.request_seconds = Histogram(
            "deepcoder_request_seconds", "Whole requests", ["route"], buckets=_SECONDS, registry=registry
        )
        self.stage_seconds = Histogram(
            "deepcoder_stage_seconds", "Parts of an agent run: queue, model, tool", ["stage"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.first_token_seconds = Histogram(
            "deepcoder_first_token_seconds", "From the request to the first event of a run",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.tokens = Counter("deepcoder_tokens", "Tokens of agent runs", ["direction"], registry=registry)
        self.runs = Counter("deepcoder_runs", "Agent runs", ["stop_reason"], registry=registry)
        self.tools = Counter("deepcoder_tool_calls", "Tool calls", ["tool", "outcome"], registry=registry)
        self.refusals = Counter("deepcoder_refusals", "Refused requests", ["reason"], registry=registry)
        self.running = Gauge("deepcoder_running", "Agent runs at work", multiprocess_mode="livesum", registry=registry)
        self.waiting = Gauge(
            "deepcoder_waiting", "Requests waiting for a run", multiprocess_mode="livesum", registry=registry
        )
        for reason in StopReason:  # a rate over a counter needs its zero
            self.runs.labels(reason.value)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one HTTP request."""
        self.requests.labels(route, method, str(status)).inc()
        self.request_seconds.labels(route).observe(seconds)

    def run(self, trajectory: Trajectory, queue_s: float) -> None:
        """Count one agent run and its steps."""
        self.runs.labels(trajectory.stop_reason.value).inc()
        self.stage_seconds.labels("queue").observe(queue_s)
        for step in trajectory.steps:
            self._step(step)

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _step(self, step: Step) -> None:
        self.stage_seconds.labels("model").observe(step.model_s)
        self.stage_seconds.labels("tool").observe(step.tool_s)
        self.tokens.labels("input").inc(step.input_tokens)
        self.tokens.labels("output").inc(step.output_tokens)
        tool = step.action if step.action in _KNOWN else "none"
        self.tools.labels(tool, step.error.value if step.error else "ok").inc()
