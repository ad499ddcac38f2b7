"""A provider's model asked with other sampling settings than its own."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from deepcoder.models.asynchronous import AsyncChatModel


class SampledChatModel(AsyncChatModel):
    """`inner` with `sampling` (temperature, seed) in each request."""

    inner: BaseChatModel
    sampling: dict[str, Any]
    model_name: str

    @property
    def _llm_type(self) -> str:
        return "deepcoder-sampled"

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = await self.inner.ainvoke(messages, stop=stop, **(self.sampling | kwargs))
        return ChatResult(generations=[ChatGeneration(message=message)])
