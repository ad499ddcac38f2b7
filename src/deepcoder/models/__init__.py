"""Chat models: providers, the expert, the local engine; all of them LangChain BaseChatModels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deepcoder.models.base import ChatModels

if TYPE_CHECKING:
    from deepcoder.config import TeacherConfig
    from deepcoder.models.expert import Policy
    from deepcoder.models.ledger import Ledger

__all__ = ["ChatModels", "open_teacher"]


def open_teacher(
    config: TeacherConfig,
    policies: Callable[[str], Policy | None],
    *,
    ledger: Ledger | None = None,
    share: float = 1.0,
) -> ChatModels:
    """The teacher named by `config.model`: `expert`, or `provider:model`.

    With a `ledger`, what a provider answered is kept there and not asked (nor paid) again; the
    expert costs nothing and keeps none. `policies` finds the expert's policy for a problem id; other
    teachers never call it. `share`: the part of the provider's limits that is this process's, where several
    share it. Raises ConfigError for an unknown provider and AuthenticationError for a missing key.
    """
    if config.model == "expert":
        from deepcoder.models.expert import ExpertModels

        return ExpertModels(policies)
    from deepcoder.models.providers import open_provider

    return open_provider(config, ledger=ledger, share=share)
