"""What every kind of model offers to the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class ChatModels(Protocol):
    """Chat models for problems. Providers return the same model for each; `expert` one bound to the problem."""

    name: str

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """The model that works on this problem."""
        ...

    async def preflight(self) -> None:
        """Fail early and clearly: a missing key, an unknown model, a server that is down (ProviderError)."""
        ...

    async def aclose(self) -> None:
        """Close connections and free memory."""
        ...
