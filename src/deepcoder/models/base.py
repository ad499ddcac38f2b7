"""What every kind of model offers to the stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from deepcoder.models.limits import Limits
    from deepcoder.models.meter import Pace


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


@dataclass(frozen=True)
class Draw:
    """Which of several answers to the same request. 0 is the ordinary one; each other is asked and paid for once.

    `temperature`: another than the configured one.
    """

    number: int = 0
    temperature: float | None = None


@runtime_checkable
class Redrawn(Protocol):
    """What models that do not answer the same each time offer besides."""

    def for_draw(self, problem_id: str, draw: Draw) -> BaseChatModel:
        """The model that works on this problem; `Draw()` is `for_problem`."""
        ...


@runtime_checkable
class Paced(Protocol):
    """What models behind a provider's limits offer besides."""

    stated: Limits

    def pace(self) -> Pace:
        """What goes through to the provider now, and what holds it back."""
        ...

    def listen(self, say: Callable[[str], None]) -> None:
        """Tell `say` of long pauses and of outages."""
        ...
