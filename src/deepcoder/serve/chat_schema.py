"""OpenAI's chat completion request, as far as an agent can honour it.

Fields that only steer sampling are taken and have no effect, since ordinary clients always send some; how
the student samples is the config's business. Fields that would change what an answer means (tools, n,
response_format, stop, logprobs) are refused, not ignored.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """No unknown fields, no conversions, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(Strict):
    """A piece of a message; images and sound are not understood."""

    type: Literal["text"]
    text: str = Field(min_length=0)


class ChatMessage(Strict):
    """One message. What clients send back of earlier answers (`reasoning`, ...) is taken and not used."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    annotations: list[Any] | None = None
    tool_calls: list[Any] | None = Field(default=None, max_length=0)

    def text(self) -> str:
        """The message's text."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(Strict):
    """`include_usage`: one more chunk at the end with the tokens."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ResponseFormat(Strict):
    """Plain text is the only form."""

    type: Literal["text"]


class ChatRequest(Strict):
    """The last user message is the problem; earlier ones go before it as a transcript."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "deepcoder", "messages": [{"role": "user", "content": "What is 17 * 23?"}]}]
        }
    )

    model: str
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, description="output tokens over all steps")
    max_completion_tokens: int | None = Field(default=None, ge=1, description="goes before max_tokens")
    n: int | None = Field(default=None, ge=1, le=1)
    tools: list[Any] | None = Field(default=None, max_length=0)
    tool_choice: Literal["none", "auto"] | None = None
    response_format: ResponseFormat | None = None
    logprobs: Literal[False] | None = None
    stop: None = None
    temperature: float | None = Field(default=None, ge=0, le=2, description="no effect")
    top_p: float | None = Field(default=None, ge=0, le=1, description="no effect")
    presence_penalty: float | None = Field(default=None, ge=-2, le=2, description="no effect")
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2, description="no effect")
    seed: int | None = Field(default=None, description="no effect")
    user: str | None = Field(default=None, description="no effect")
    metadata: dict[str, str] | None = Field(default=None, description="no effect")
    store: bool | None = Field(default=None, description="no effect: nothing is ever stored")
    parallel_tool_calls: bool | None = Field(default=None, description="no effect")
    reasoning_effort: str | None = Field(default=None, description="no effect")
    service_tier: str | None = Field(default=None, description="no effect")


class AssistantMessage(BaseModel):
    """The answer in `content`; thoughts, actions and observations in `reasoning`."""

    role: Literal["assistant"] = "assistant"
    content: str
    reasoning: str


class Choice(BaseModel):
    """The one choice. `length`: a budget ended the run before there was an answer."""

    index: int = 0
    message: AssistantMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class ChatUsage(BaseModel):
    """Tokens over all steps of the run."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """OpenAI's answer object."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: ChatUsage


class ModelCard(BaseModel):
    """One entry of /v1/models."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "deepcoder"


class ModelList(BaseModel):
    """What /v1/models answers."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


def problem_of(messages: list[ChatMessage]) -> str:
    """The problem for the agent: the last user message alone, or a transcript where there is more before it.

    The agent was trained on single problems: a conversation becomes one text, with the question last.
    Raises ValueError where the last message is not the user's or is empty.
    """
    *earlier, last = messages
    question = last.text()
    if last.role != "user" or not question.strip():
        raise ValueError("the last message must be the user's, and not empty")
    labels = {"user": "User", "assistant": "Assistant", "system": "Instructions", "developer": "Instructions"}
    told = [f"{labels[message.role]}: {text}" for message in earlier if (text := message.text().strip())]
    return "\n\n".join([*told, f"User: {question}"]) if told else question
