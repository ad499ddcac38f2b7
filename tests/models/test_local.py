from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from tests.train.students import save_tiny_student
from transformers import AutoModelForCausalLM, AutoTokenizer

from deepcoder.config import EngineConfig
from deepcoder.errors import ContextFull, ModelUnavailable, ProviderError
from deepcoder.models.allowance import token_allowance
from deepcoder.models.chatml import END_OF_TURN
from deepcoder.models.decoding import Decoder, Request, cut_at
from deepcoder.models.local import REFERENCE, LocalModels, load_model, open_engine, open_local

PROMPTS = ["What is 12 plus 7?", "Reverse the word stone.", "Hi", "How many vowels has the word caterpillar, please?"]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Untied: a random model with a tied head repeats its last token for ever.
    return save_tiny_student(tmp_path_factory.mktemp("student"), seed=3, tied=False)


def local(student: Path, **settings: Any) -> LocalModels:
    models = open_local(student, EngineConfig(**{"max_new_tokens": 12} | settings))
    assert isinstance(models, LocalModels)
    return models


def ask(text: str) -> list[BaseMessage]:
    return [HumanMessage(text)]


def by_hand(student: Path, text: str, count: int) -> list[int]:
    """Greedy decoding, one full forward pass a token."""
    tokenizer = AutoTokenizer.from_pretrained(student)
    model = AutoModelForCausalLM.from_pretrained(student)
    ids = tokenizer(f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n")["input_ids"]
    new: list[int] = []
    with torch.no_grad():
        while len(new) < count:
            new.append(int(model(input_ids=torch.tensor([ids + new])).logits[0, -1].argmax()))
            if new[-1] == tokenizer.eos_token_id:
                break
    return new


async def test_a_reply_is_what_greedy_decoding_by_hand_gives(student: Path) -> None:
    models = local(student)
    tokens = by_hand(student, PROMPTS[0], 12)
    reply = await models.for_problem("p").ainvoke(ask(PROMPTS[0]))
    assert reply.content == AutoTokenizer.from_pretrained(student).decode(tokens, skip_special_tokens=True)
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["output_tokens"] == len(tokens)
    assert reply.response_metadata["finish_reason"] == "length"
    await models.aclose()


async def test_concurrent_requests_share_one_batch_and_change_no_answer(
    student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    generate = Decoder.generate

    def counted(self: Decoder, batch: Any, answer: Any) -> Any:
        sizes.append(len(batch))
        return generate(self, batch, answer)

    monkeypatch.setattr(Decoder, "generate", counted)
    models = local(student, batch_size=3)
    alone = [(await models.for_problem("p").ainvoke(ask(prompt))).content for prompt in PROMPTS]
    sizes.clear()
    together = await asyncio.gather(*(models.for_problem("p").ainvoke(ask(prompt)) for prompt in PROMPTS))
    assert [reply.content for reply in together] == alone
    assert sorted(sizes) == [1, 3]
    await models.aclose()


def test_a_row_is_answered_while_the_others_go_on(student: Path) -> None:
    model, tokenizer = load_model(str(student))
    decoder = Decoder(model, tokenizer, [tokenizer.convert_tokens_to_ids(END_OF_TURN)], batch_size=4)
    ids = tokenizer(PROMPTS[0]).input_ids
    first, last = Request(ids, 2), Request(ids, 12)
    answered: list[tuple[Request, int]] = []
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    model.register_forward_hook(count)
    done = decoder.generate([last, first], lambda request, _: answered.append((request, steps)))
    assert [request for request, _ in answered] == [first, last]
    assert answered[0][1] == 2 < answered[1][1]
    assert [completion.completion_tokens for completion in done] == [answered[1][1], 2]


async def test_a_small_model_decodes_several_batches_at_once(student: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    models = local(student, batch_size=1)
    alone = [(await models.for_problem("p").ainvoke(ask(prompt))).content for prompt in PROMPTS]
    meeting = threading.Barrier(3)
    generate = Decoder.generate

    def together(self: Decoder, batch: Any, answer: Any) -> Any:
        meeting.wait(timeout=20)
        return generate(self, batch, answer)

    monkeypatch.setattr(Decoder, "generate", together)
    replies = await asyncio.gather(*(models.for_problem("p").ainvoke(ask(prompt)) for prompt in PROMPTS[:3]))
    assert [reply.content for reply in replies] == alone[:3]
    await models.aclose()


async def test_each_row_keeps_its_own_limits(student: Path) -> None:
    models = local(student)
    model = models.for_problem("p")
    full = (await model.ainvoke(ask(PROMPTS[0]))).content
    assert isinstance(full, str)
    word = full[3:6]
    short, long, stopped = await asyncio.gather(
        model.ainvoke(ask(PROMPTS[0]), max_tokens=2),
        model.ainvoke(ask(PROMPTS[0])),
        model.ainvoke(ask(PROMPTS[0]), stop=[word]),
    )
    assert (short.usage_metadata or {})["output_tokens"] == 2
    assert full.startswith(short.content)
    assert long.content == full
    assert stopped.content == full[: full.index(word)]
    assert stopped.response_metadata["finish_reason"] == "stop"
    await models.aclose()


async def test_a_reply_ends_where_its_caller_has_no_tokens_left(student: Path) -> None:
    models = local(student)
    model = models.for_problem("p")
    with token_allowance(3):
        short = await model.ainvoke(ask(PROMPTS[0]))
        streamed = [piece async for piece in model.astream(ask(PROMPTS[0]))]
    assert (short.usage_metadata or {})["output_tokens"] == 3
    assert short.response_metadata["finish_reason"] == "length"
    assert "".join(str(piece.text) for piece in streamed) == short.text
    await models.aclose()


@pytest.mark.parametrize("place", [0, 1])
async def test_the_end_of_a_turn_or_of_a_text_ends_the_reply(student: Path, place: int) -> None:
    model, tokenizer = load_model(str(student))
    ends = [tokenizer.convert_tokens_to_ids("<|im_end|>")] * 2
    ends[place] = by_hand(student, PROMPTS[0], 2)[1]  # the second token plays the end
    decoder = Decoder(model, tokenizer, ends, batch_size=2)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": PROMPTS[0]}], add_generation_prompt=True, return_dict=False
    )
    completion = await asyncio.wrap_future(decoder.submit(Request(prompt, 12)))
    assert completion.finish_reason == "stop"
    assert completion.completion_tokens == 2  # the end counts, and is no part of the text
    assert completion.text == tokenizer.decode(by_hand(student, PROMPTS[0], 1))
    decoder.close()


async def test_streams_run_side_by_side_and_add_up(student: Path) -> None:
    models = local(student)
    model = models.for_problem("p")
    whole = [await model.ainvoke(ask(prompt)) for prompt in PROMPTS[:2]]

    async def stream(prompt: str) -> list[Any]:
        return [chunk async for chunk in model.astream(ask(prompt))]

    for chunks, expected in zip(await asyncio.gather(*map(stream, PROMPTS[:2])), whole, strict=True):
        total = chunks[0]
        for chunk in chunks[1:]:
            total += chunk
        assert len(chunks) > 3
        assert total.content == expected.content
        assert total.usage_metadata == expected.usage_metadata
        assert total.response_metadata["finish_reason"] == "length"
    await models.aclose()


async def test_a_caller_who_leaves_frees_the_engine(student: Path) -> None:
    models = local(student, max_new_tokens=400)
    model = models.for_problem("p")
    task = asyncio.create_task(model.ainvoke(ask(PROMPTS[0])))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reply = await asyncio.wait_for(model.ainvoke(ask("Hi"), max_tokens=2), timeout=30)
    assert (reply.usage_metadata or {})["output_tokens"] == 2
    await models.aclose()


async def test_sampling_differs_and_greedy_does_not(student: Path) -> None:
    models = local(student)
    model = models.for_problem("p")
    greedy = {(await model.ainvoke(ask("Hi"))).content for _ in range(2)}
    sampled = {(await model.ainvoke(ask("Hi"), temperature=1.0)).content for _ in range(3)}
    assert len(greedy) == 1
    assert len(sampled) > 1
    await models.aclose()


def test_it_answers_without_an_event_loop_too(student: Path) -> None:
    models = local(student)
    assert models.for_problem("p").invoke(ask("Hi")).content
    asyncio.run(models.aclose())


async def test_every_role_is_rendered_by_the_saved_template(student: Path) -> None:
    models = local(student)
    messages = [SystemMessage("be brief"), HumanMessage("a"), AIMessage("b"), HumanMessage("c")]
    text = "".join(
        f"<|im_start|>{role}\n{content}<|im_end|>\n"
        for role, content in (("system", "be brief"), ("user", "a"), ("assistant", "b"), ("user", "c"))
    )
    reply = await models.for_problem("p").ainvoke(messages)
    tokenizer = AutoTokenizer.from_pretrained(student)
    expected = len(tokenizer(text + "<|im_start|>assistant\n")["input_ids"])
    assert (reply.usage_metadata or {})["input_tokens"] == expected
    with pytest.raises(ProviderError, match="ToolMessage"):
        await models.for_problem("p").ainvoke([ToolMessage("x", tool_call_id="1")])
    await models.aclose()


async def test_a_conversation_longer_than_the_context_is_refused(student: Path) -> None:
    models = local(student)
    with pytest.raises(ContextFull, match="context 512"):
        await models.for_problem("p").ainvoke(ask("7 " * 600))
    await models.aclose()


async def test_a_closed_engine_refuses(student: Path) -> None:
    models = local(student)
    await models.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await models.for_problem("p").ainvoke(ask("Hi"))


def test_a_reference_takes_the_weights_from_elsewhere(student: Path, tmp_path: Path) -> None:
    AutoTokenizer.from_pretrained(student).save_pretrained(tmp_path)
    (tmp_path / REFERENCE).write_text(json.dumps({"model": str(student)}))
    model, _ = load_model(str(tmp_path))
    expected = AutoModelForCausalLM.from_pretrained(student).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        open_engine(EngineConfig(), tmp_path)


@pytest.mark.parametrize(
    ("stop", "expected"),
    [([], ("a b c b", False)), (["b"], ("a ", True)), (["c", "b"], ("a ", True)), (["x"], ("a b c b", False))],
)
def test_text_is_cut_at_the_first_stop_string(stop: list[str], expected: tuple[str, bool]) -> None:
    assert cut_at("a b c b", stop) == expected
