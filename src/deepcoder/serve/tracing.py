"""OpenTelemetry spans: one a request, and within it one a call of the engine and one a call of a tool.

Off unless `serve.otlp_endpoint` is set. Attributes are ids, names from fixed sets and numbers: what users, models
and programs write is in none of them, and exceptions are recorded by their type alone. Of what a client sends only
`traceparent` is read (hexadecimal ids); `tracestate` and `baggage` are free text and are left alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from deepcoder.agent import AgentEvent, EventKind, OnEvent
from deepcoder.errors import ConfigError
from deepcoder.records import Action, Trajectory


class Tracing:
    """Where spans are made; without a provider they cost nothing and go nowhere."""

    def __init__(self, provider: TracerProvider | None = None, model: str = "") -> None:
        self.on = provider is not None
        self._tracer = provider.get_tracer("deepcoder") if provider is not None else NoOpTracer()
        self._provider = provider
        self._model = model

    @contextlib.contextmanager
    def request(self, traceparent: str | None, request_id: str) -> Iterator[Span]:
        """The span of one request, current within the block; the caller names it when the route is known."""
        above: Context | None = None
        if traceparent is not None:
            above = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
        with self._tracer.start_as_current_span(
            "request", context=above, kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False,
            attributes={"deepcoder.request_id": request_id},
        ) as span:  # fmt: skip
            yield span

    @contextlib.contextmanager
    def run(self, tools: frozenset[str]) -> Iterator[RunSpans]:
        """The spans of one agent run; those that are open when the block fails say by what kind of error."""
        spans = RunSpans(self, tools)
        try:
            yield spans
        except BaseException as error:
            spans.failed(type(error).__name__)
            raise

    def engine_call(self, step: int) -> Span:
        """A span with OpenTelemetry's names for calls of generative models."""
        return self._tracer.start_span(
            f"chat {self._model}", kind=SpanKind.CLIENT,
            attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": self._model, "deepcoder.step": step},
        )  # fmt: skip

    def tool_call(self, step: int, tool: str) -> Span:
        """The same for a tool."""
        return self._tracer.start_span(
            f"execute_tool {tool}",
            attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "deepcoder.step": step},
        )

    def close(self) -> None:
        """Send what waits."""
        shutdown: Any = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


class RunSpans:
    """Turns a run's events into spans. A call of the engine is ended when its tokens are known: with the run."""

    def __init__(self, tracing: Tracing, tools: frozenset[str]) -> None:
        self._tracing = tracing
        self._tools = tools
        self._calls: list[tuple[Span, int | None]] = []  # by step: the span, and when it was over (Unix ns)
        self._tool: Span | None = None

    def over(self, on_event: OnEvent | None) -> OnEvent | None:
        """`on_event` (or nothing), with spans made of what it is told."""
        if not self._tracing.on:
            return on_event

        async def traced(event: AgentEvent) -> None:
            self._see(event)
            if on_event is not None:
                await on_event(event)

        return traced

    def finished(self, trajectory: Trajectory) -> None:
        """The run is over: each call of the engine gets its tokens."""
        for number, (span, over) in enumerate(self._calls):
            if number < len(trajectory.steps):
                step = trajectory.steps[number]
                span.set_attribute("gen_ai.usage.input_tokens", step.input_tokens)
                span.set_attribute("gen_ai.usage.output_tokens", step.output_tokens)
            if over is None:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", trajectory.stop_reason.value)
            span.end(over)
        self._end_tool(trajectory.stop_reason.value)
        self._calls.clear()

    def failed(self, error: str) -> None:
        """The run was cut off."""
        for span, over in self._calls:
            if over is None:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", error)
            span.end(over)
        self._end_tool(error)
        self._calls.clear()

    def _see(self, event: AgentEvent) -> None:
        if event.kind is EventKind.MODEL_STARTED:
            self._calls.append((self._tracing.engine_call(event.step), None))
        elif event.kind is EventKind.THOUGHT and self._calls:
            self._calls[-1] = (self._calls[-1][0], time.time_ns())
        elif event.kind is EventKind.ACTION and event.action != Action.FINISH:
            name = str(event.action)
            self._tool = self._tracing.tool_call(event.step, name if name in self._tools else "unknown")
        elif event.kind is EventKind.OBSERVATION:
            self._end_tool(event.error.value if event.error else None)

    def _end_tool(self, error: str | None) -> None:
        if self._tool is not None:
            if error is not None:
                self._tool.set_status(Status(StatusCode.ERROR))
                self._tool.set_attribute("error.type", error)
            self._tool.end()
            self._tool = None


def name_request(span: Span, route: str, method: str, status: int, notes: Mapping[str, Any]) -> None:
    """What a request's span says, when it is over: the fields of its log line."""
    span.update_name(f"{method} {route}")
    attributes: dict[str, Any] = {f"deepcoder.{name}": value for name, value in notes.items()}
    attributes |= {"http.request.method": method, "http.route": route, "http.response.status_code": status}
    span.set_attributes(attributes)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def open_tracing(endpoint: str | None, model: str) -> Tracing:
    """Spans to an OTLP collector (HTTP, such as http://127.0.0.1:4318/v1/traces); None: no spans.

    The collector's headers come from OTEL_EXPORTER_OTLP_HEADERS. Raises ConfigError without the packages.
    """
    if endpoint is None:
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigError(
            "serve.otlp_endpoint needs OpenTelemetry's SDK, which is not installed",
            hint="pip install 'deepcoder[otel]'",
        ) from None
    provider = Provider(resource=Resource.create({SERVICE_NAME: "deepcoder"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=5)))
    return Tracing(provider, model)
