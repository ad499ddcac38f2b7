"""The student in this process, or behind an OpenAI-compatible server: the engines of evaluation and service.

    models = open_engine(config.engine, "runs/demo/checkpoints/final")
    reply = await models.for_problem("p1").ainvoke([HumanMessage("...")])

The prompt is the tokenizer's own chat template over the messages: the bytes that `prepare` trained on. What a
message says is text: a control token written in it stays letters (prompting.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import torch
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from deepcoder.config import EngineConfig
from deepcoder.errors import ContextFull, ModelUnavailable, ProviderError
from deepcoder.models.allowance import allowed
from deepcoder.models.base import ChatModels
from deepcoder.models.chatml import CHATML_TEMPLATE, END_OF_TEXT, END_OF_TURN, REFERENCE
from deepcoder.models.decoding import Completion, Decoder, Request
from deepcoder.models.prompting import Prompts
from deepcoder.models.quiet import quieten_transformers

__all__ = ["REFERENCE", "LocalChatModel", "LocalModels", "load_model", "open_engine", "open_local"]


def open_engine(engine: EngineConfig, path_or_name: str | Path) -> ChatModels:
    """The student at `path_or_name` through `engine.engine`.

    `openai`: the server at `engine.base_url` serves it; the path only names it where `engine.model` is
    unset. Raises ConfigError on an incomplete config, ModelUnavailable where nothing can be loaded.
    """
    if engine.engine == "local":
        return open_local(path_or_name, engine)
    from deepcoder.models.server import open_server

    return open_server(engine, str(path_or_name))


def open_local(path_or_name: str | Path, engine: EngineConfig) -> ChatModels:
    """The model in a directory, on the hub, or `nano` (its untrained base), loaded into this process."""
    quieten_transformers()
    model, tokenizer = load_model(str(path_or_name))
    return LocalModels(Path(path_or_name).name, model, tokenizer, engine)


def load_model(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Weights and tokenizer; a folder that holds only a reference takes the weights from there.

    Raises ModelUnavailable where something of it cannot be loaded.
    """
    if name == "nano":
        from deepcoder.models.nano import load_nano

        nano = load_nano()
        nano.tokenizer.chat_template = CHATML_TEMPLATE
        return nano.model, nano.tokenizer
    reference = Path(name) / REFERENCE
    parts = json.loads(reference.read_text()) if reference.is_file() else {"model": name}
    cuda = torch.cuda.is_available()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(
            parts["model"], dtype="auto" if cuda else torch.float32, device_map="cuda" if cuda else None
        )
        if "adapter" in parts:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(Path(name) / parts["adapter"])).merge_and_unload()
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"the model {name} cannot be loaded: {error}",
            hint="train it first, or name a directory with config.json and weights, or a model on the hub",
        ) from error
    return model, tokenizer


class LocalModels:
    """ChatModels over one decoder; every problem gets the same model."""

    def __init__(
        self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, engine: EngineConfig
    ) -> None:
        self.name = name
        turn, text = (tokenizer.convert_tokens_to_ids(end) for end in (END_OF_TURN, END_OF_TEXT))
        known = [end for end in (turn, text) if isinstance(end, int) and end != tokenizer.unk_token_id]
        if turn not in known:
            raise ModelUnavailable(f"the tokenizer of {name} has no {END_OF_TURN}, so that its turns cannot end")
        if tokenizer.chat_template is None:
            raise ModelUnavailable(f"the tokenizer of {name} has no chat template")
        self._decoder = Decoder(model, tokenizer, known, batch_size=engine.batch_size)
        context = int(getattr(model.config, "max_position_embeddings", 0) or 1 << 20)
        self._model = LocalChatModel(
            name=name, decoder=self._decoder, prompts=Prompts(tokenizer), context=context,
            max_new_tokens=engine.max_new_tokens, temperature=engine.temperature,
        )  # fmt: skip

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """The one model."""
        return self._model

    async def preflight(self) -> None:
        """Nothing can be missing: the weights are loaded."""

    async def aclose(self) -> None:
        """End the decoding thread."""
        await asyncio.to_thread(self._decoder.close)


class LocalChatModel(BaseChatModel):
    """A LangChain chat model over a `Decoder`. `context`: the most tokens of prompt and reply together."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    decoder: Any
    prompts: Prompts
    context: int
    max_new_tokens: int
    temperature: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "deepcoder-local"

    def _request(self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, options: dict[str, Any]) -> Request:
        prompt = self.prompts.ids([{"role": _role(message), "content": message.text} for message in messages])
        room = self.context - len(prompt)
        if room < 1:
            raise ContextFull(
                f"the conversation has {len(prompt)} tokens, the student's context {self.context}",
                hint="lower agent.max_steps or agent.max_observation_chars",
            )
        limit = allowed(int(options.get("max_tokens") or self.max_new_tokens))
        temperature = options.get("temperature")
        return Request(
            prompt, min(limit, room), self.temperature if temperature is None else float(temperature),
            seed=options.get("seed"), stop=tuple(stop or ()),
        )  # fmt: skip

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(self.decoder.submit(self._request(messages, stop, kwargs)).result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        self.decoder.submit(request)
        try:
            return _result(await asyncio.wrap_future(request.future))
        except asyncio.CancelledError:
            request.give_up()
            raise

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, stop, kwargs)
        loop = asyncio.get_running_loop()
        texts: asyncio.Queue[str | None] = asyncio.Queue()

        def on_text(text: str) -> None:
            loop.call_soon_threadsafe(texts.put_nowait, text)

        request.on_text = on_text
        self.decoder.submit(request)
        request.future.add_done_callback(lambda _: loop.call_soon_threadsafe(texts.put_nowait, None))
        sent = ""
        try:
            while (text := await texts.get()) is not None:
                if text != sent:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=text[len(sent) :]))
                    sent = text
            completion = request.future.result()
        finally:
            request.give_up()
        message = _message(completion)
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content=completion.text[len(sent) :],
                response_metadata=message.response_metadata, usage_metadata=message.usage_metadata,
            )
        )  # fmt: skip


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, SystemMessage):
        return "system"
    raise ProviderError(f"the local engine takes no {type(message).__name__}")


def _message(completion: Completion) -> AIMessage:
    return AIMessage(
        content=completion.text,
        response_metadata={"finish_reason": completion.finish_reason},
        usage_metadata=UsageMetadata(
            input_tokens=completion.prompt_tokens,
            output_tokens=completion.completion_tokens,
            total_tokens=completion.prompt_tokens + completion.completion_tokens,
        ),
    )


def _result(completion: Completion) -> ChatResult:
    return ChatResult(
        generations=[
            ChatGeneration(message=_message(completion), generation_info={"finish_reason": completion.finish_reason})
        ]
    )
