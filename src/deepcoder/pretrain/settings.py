"""What a pre-training run is: every value that changes its result."""

from __future__ import annotations

from dataclasses import dataclass

from deepcoder.errors import DeepCoderError

CHOICES = {"optimizer": ("muon", "adamw"), "experts": ("dense", "routed"), "worked": ("new", "carried")}


@dataclass(frozen=True)
class Settings:
    """`tokens` is the whole budget; `minutes` ends a run earlier, its schedule compressed to fit (0: no limit).

    Learning rate: linear warm-up over `warmup` steps, constant, then linear to zero over the last `decay` of the run.
    The same border switches the data from `source_share` and the broad mix to `final_source_share` and the rich one.
    """

    shape: str = "four"
    seed: int = 0
    tokens: int = 2_000_000_000
    minutes: float = 0.0
    rows: int = 64
    length: int = 2048
    optimizer: str = "muon"
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    warmup: int = 150
    decay: float = 0.3
    clip: float = 1.0
    balance: float = 0.01
    source_share: float = 0.12
    final_source_share: float = 0.05
    unique: int = 2_400_000_000
    shard: int = 1_000_000
    validation: int = 400_000
    experts: str = "dense"
    worked: str = "new"  # problems made as they are needed; "carried": only those of the corpus
    token_lines: int = 16  # documents of any tokens to 256 of text: some 1.4% of the tokens
    compile: bool = True
    workers: int = 15

    def __post_init__(self) -> None:
        """Raise DeepCoderError for a value that is no choice."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise DeepCoderError(f"{name} is {getattr(self, name)!r}", hint=f"it is one of: {', '.join(choices)}")

    @property
    def step_tokens(self) -> int:
        """Tokens of one optimizer step."""
        return self.rows * self.length


TOY = Settings(
    shape="toy",
    tokens=40_960,
    rows=4,
    length=128,
    warmup=4,
    learning_rate=1e-2,
    unique=16_000,
    shard=4_000,
    validation=4_000,
    compile=False,
    workers=0,
)
