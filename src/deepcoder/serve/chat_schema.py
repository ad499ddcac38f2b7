"""OpenAI's chat completion request, as far as an agent can honour it.

Fields that only steer sampling are taken and have no effect, since ordinary clients always send some; how
the student samples is the config's business. Fields that would change what an answer means (tools, n,
response_format, stop, logprobs) are refused, not ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue


class Strict(BaseModel):
    """No unknown fields, no conversions, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _whole(value: object) -> object:
    """JSON's 2.0 is an integer; a bool or a string is not."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]


class TextPart(Strict):
    """A piece of a message; images and sound are not understood."""

    type: Literal["text"]
    text: str = Field(min_length=1)


Text = Annotated[str, Field(min_length=1)] | Annotated[list[TextPart], Field(min_length=1)]


class UserMessage(Strict):
    """What the user says."""

    role: Literal["user"]
    content: Text
    name: str | None = None


class SystemMessage(Strict):
    """Instructions."""

    role: Literal["system", "developer"]
    content: str | list[TextPart]
    name: str | None = None


class EarlierAnswer(Strict):
    """An earlier answer. What clients send back with it (`reasoning`, ...) is taken and not used."""

    role: Literal["assistant"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    annotations: list[Any] | None = None
    tool_calls: Annotated[list[Any], Field(max_length=0)] | None = None


ChatMessage = Annotated[UserMessage | SystemMessage | EarlierAnswer, Field(discriminator="role")]


def _has_user(messages: list[ChatMessage]) -> list[ChatMessage]:
    if not any(message.role == "user" for message in messages):
        raise ValueError("one message must be the user's")
    return messages


def _is_false(value: bool) -> bool:
    if value:
        raise ValueError("log probabilities are not available")
    return value


_CONTAINS_USER: dict[str, JsonValue] = {
    "contains": {"type": "object", "properties": {"role": {"const": "user"}}, "required": ["role"]}
}


class StreamOptions(Strict):
    """`include_usage`: one more chunk at the end with the tokens."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ResponseFormat(Strict):
    """Plain text is the only form."""

    type: Literal["text"]


class ChatRequest(Strict):
    """The user's message is the problem; a longer conversation becomes one text, message by message."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "deepcoder", "messages": [{"role": "user", "content": "What is 17 * 23?"}]}]
        }
    )

    model: str
    messages: Annotated[
        list[ChatMessage], Field(max_length=1000, json_schema_extra=_CONTAINS_USER), AfterValidator(_has_user)
    ]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = Field(default=None, description="output tokens over all steps")
    max_completion_tokens: Count | None = Field(default=None, description="goes before max_tokens")
    n: Annotated[int, Field(ge=1, le=1), BeforeValidator(_whole)] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_choice: Literal["none", "auto"] | None = None
    response_format: ResponseFormat | None = None
    logprobs: Annotated[bool, AfterValidator(_is_false), Field(json_schema_extra={"const": False})] | None = None
    stop: None = None
    temperature: float | None = Field(default=None, ge=0, le=2, description="no effect")
    top_p: float | None = Field(default=None, ge=0, le=1, description="no effect")
    presence_penalty: float | None = Field(default=None, ge=-2, le=2, description="no effect")
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2, description="no effect")
    seed: Annotated[int, BeforeValidator(_whole)] | None = Field(default=None, description="no effect")
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
    """The problem for the agent: the user's message, or a transcript where there is more than that one.

    The agent was trained on single problems, so a conversation becomes one text, the newest message last.
    """
    told = [(message.role, text) for message in messages if (text := _text(message))]
    if [role for role, _ in told] == ["user"]:
        return told[0][1]
    labels = {"user": "User", "assistant": "Assistant", "system": "Instructions", "developer": "Instructions"}
    return "\n\n".join(f"{labels[role]}: {text}" for role, text in told)


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, list):
        return "".join(part.text for part in message.content)
    return message.content or ""
