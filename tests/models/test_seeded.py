from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from langchain_core.messages import HumanMessage
from tests.train.students import save_tiny_student

from deepcoder.config import EngineConfig
from deepcoder.models.local import open_local
from deepcoder.models.sampled import SampledChatModel
from deepcoder.models.seeded import SeededNoise, seed_of

LOGITS = torch.tensor([2.0, 1.0, 0.0, -30.0])


def test_tokens_are_drawn_as_often_as_the_softmax_says() -> None:
    """p = softmax([2, 1, 0, -30] / 2); the tolerance is four standard deviations."""
    draws, temperature = 4000, 2.0
    noise = SeededNoise([7919 * number for number in range(draws)], temperature, prompt=0)
    chosen = noise(torch.zeros(draws, 1), LOGITS.repeat(draws, 1)).argmax(-1)
    weights = [math.exp(value / temperature) for value in LOGITS.tolist()]
    for token, weight in enumerate(weights):
        expected = weight / sum(weights)
        spread = math.sqrt(expected * (1 - expected) / draws)
        assert abs(float((chosen == token).float().mean()) - expected) <= 4 * spread


def test_a_rows_noise_is_its_own_and_another_one_at_each_position() -> None:
    scores = torch.zeros(3, 50)
    together = SeededNoise([1, 50_000, 100_000], 0.5, prompt=4)(torch.zeros(3, 6), scores)
    alone = SeededNoise([50_000], 0.5, prompt=9)(torch.zeros(1, 11), scores[:1])  # other padding, the same position
    later = SeededNoise([50_000], 0.5, prompt=9)(torch.zeros(1, 12), scores[:1])
    assert torch.equal(together[1], alone[0])
    assert not torch.equal(alone, later)


def test_a_seed_is_of_the_prompt_too() -> None:
    assert seed_of(3, [1, 2]) == seed_of(3, [1, 2])
    assert len({seed_of(3, [1, 2]), seed_of(3, [12]), seed_of(4, [1, 2])}) == 3


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_student(tmp_path_factory.mktemp("student"), seed=3, tied=False)


async def test_a_seeded_reply_is_the_same_alone_and_among_others(student: Path) -> None:
    models = open_local(student, EngineConfig(max_new_tokens=12, temperature=0.9))
    model = models.for_problem("p")

    def seeded(seed: int) -> SampledChatModel:
        return SampledChatModel(inner=model, sampling={"seed": seed}, model_name="tiny")

    async def ask(seed: int, text: str = "What is 12 plus 7?") -> str:
        return str((await seeded(seed).ainvoke([HumanMessage(text)])).text)

    alone = await ask(5)
    batch = await seeded(5).abatch([[HumanMessage(text)] for text in ("A longer question than that?", "Hi")])
    assert await ask(5) == alone
    assert str(batch[1].text) == await ask(5, "Hi")
    assert len({alone, await ask(6), await ask(7)}) == 3
    await models.aclose()
