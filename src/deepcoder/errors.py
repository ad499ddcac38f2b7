"""Every error that a user can meet.

    DeepCoderError            anything we expected could go wrong; `message` says what, `hint` says the fix
    ├── ConfigError           a config file, a key, an override
    ├── RecordError           a stored record that cannot be read (file and line are named)
    ├── ProblemError          a problem source: missing file, bad row, unknown family
    ├── KnowledgeError        documents of one's own: a file that is no text, a path that matches nothing
    ├── ProviderError         a teacher's provider
    │   ├── AuthenticationError   missing or refused API key
    │   ├── ModelUnavailable      unknown or decommissioned model; alternatives are named
    │   ├── ContextFull           the conversation is longer than the model's context
    │   ├── RateLimited           429; `retry_after` in seconds where the provider said so
    │   │   └── QuotaExhausted    it asks for a longer wait than is allowed: a daily quota, used-up credit
    │   └── ProviderDown          nothing but failures for longer than is allowed
    ├── BudgetSpent           the run has cost what it may
    ├── SandboxUnavailable    this machine cannot isolate untrusted code; the failed probe is named
    ├── SandboxBusy           too many callers wait for the sandbox already
    ├── AlignmentError        token ids or spans that do not agree with the chat template
    ├── TrainingError         a student that cannot be loaded or trained as configured
    ├── HubError              the Hugging Face hub refused an upload or cannot be reached
    └── StageError            a stage that cannot start or resume from what lies in the run folder

The CLI prints `message` and `hint` and exits with 1; a traceback means a bug.
"""

from __future__ import annotations


class DeepCoderError(Exception):
    """`message`: what went wrong, naming the field or file. `hint`: what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(DeepCoderError):
    """A config file, key or override is wrong."""


class RecordError(DeepCoderError):
    """A stored record cannot be read."""


class ProblemError(DeepCoderError):
    """A problem source cannot deliver what was asked of it."""


class KnowledgeError(DeepCoderError):
    """Documents cannot be read, indexed or searched as configured."""


class ProviderError(DeepCoderError):
    """A teacher's provider refused or failed."""


class AuthenticationError(ProviderError):
    """The API key is missing or was refused."""


class ModelUnavailable(ProviderError):
    """The provider does not serve this model (any more)."""


class ContextFull(ProviderError):
    """The conversation does not fit the model's context: this request is too long, the provider is well."""


class RateLimited(ProviderError):
    """HTTP 429. `retry_after`: seconds that the provider asked for, None where it did not say."""

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class QuotaExhausted(RateLimited):
    """No request will be answered for longer than the run may wait: a daily quota, or credit that is used up."""


class ProviderDown(ProviderError):
    """The provider has answered nothing for longer than an outage is waited out."""


class BudgetSpent(DeepCoderError):
    """The run has cost what it may."""


class SandboxUnavailable(DeepCoderError):
    """This machine cannot isolate untrusted code."""


class SandboxBusy(DeepCoderError):
    """Too many callers wait for the sandbox already; try again later."""


class AlignmentError(DeepCoderError):
    """Tokens, spans and the chat template do not agree."""


class TrainingError(DeepCoderError):
    """The student cannot be loaded or trained as configured."""


class StageError(DeepCoderError):
    """A stage cannot start, or cannot resume from what is there."""


class HubError(DeepCoderError):
    """The Hugging Face hub refused or cannot be reached."""
