"""Batched greedy or sampled decoding with transformers' `generate`, in threads of its own.

Requests that wait at the same moment share one `generate` (left padding). A row ends at a token that ends
a turn or a text, at a stop string, at its own token limit, or when its caller has gone; it is answered then, though
`generate` goes on for the others. A small model on a CPU decodes in one thread a batch: there each core has a batch.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.generation.logits_process import LogitsProcessorList
from transformers.generation.stopping_criteria import StoppingCriteria, StoppingCriteriaList

from deepcoder.models.cpu import decodes_alone, few_threads, roomy_cache, speed_up
from deepcoder.models.seeded import SeededNoise, seed_of


@dataclass(frozen=True)
class Completion:
    """`finish_reason`: `stop` (end of turn or stop string) or `length` (token limit)."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str


@dataclass
class Request:
    """One prompt. `on_text`, called in the decoder's thread, gets the text so far whenever it has grown.

    `seed`: of what is drawn at a temperature; the same prompt is then answered the same in any batch.
    """

    prompt_ids: list[int]
    max_new_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    on_text: Callable[[str], None] | None = None
    future: Future[Completion] = field(default_factory=Future)
    given_up: threading.Event = field(default_factory=threading.Event)

    def give_up(self) -> None:
        """The caller has gone: do not begin, or stop at the next token."""
        self.given_up.set()
        self.future.cancel()


class Decoder:
    """A model and the threads that run it. Close it to free them. `ends`: the tokens that end a reply, at least one."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        ends: Sequence[int],
        *,
        batch_size: int,
        linger_s: float = 0.01,
    ) -> None:
        self._model = model.train(False)
        self._threads = torch.get_num_threads()
        if model.device.type == "cpu":
            speed_up(model)
            few_threads(model, self._threads)
        self.batches = self._threads if decodes_alone(model) else 1  # at once
        self._tokenizer = tokenizer
        self._ends = list(ends)
        self._batch_size = batch_size
        self._linger_s = linger_s
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._held: list[Request] = []
        self._workers: list[threading.Thread] = []
        self._taking = threading.Lock()
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, request: Request) -> Future[Completion]:
        """Queue a request; `Request.give_up` drops it."""
        with self._lock:
            if self._closed:
                raise RuntimeError("this engine is closed")
            if not self._workers:
                names = [f"deepcoder-decoder-{number}" for number in range(self.batches)]
                self._workers = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
                for worker in self._workers:
                    worker.start()
            self._queue.put(request)
        return request.future

    def close(self) -> None:
        """Finish what is running, refuse what waits, end the threads."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for _ in workers:
            self._queue.put(None)
        for worker in workers:
            worker.join()
        self._refuse()

    # --- a thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            running = [request for request in batch if request.future.set_running_or_notify_cancel()]
            if not running:
                continue
            try:
                self.generate(running, lambda request, completion: request.future.set_result(completion))
            except BaseException as error:
                for request in running:
                    if not request.future.done():
                        request.future.set_exception(error)

    def _next_batch(self) -> list[Request] | None:
        """Requests that can share one `generate`: drawn alike. None: close."""
        with self._taking:
            return self._take_batch()

    def _take_batch(self) -> list[Request] | None:
        first: Request | None = self._held.pop(0) if self._held else self._queue.get()
        if first is None:
            return None
        batch, deadline = [first], time.monotonic() + self._linger_s
        while len(batch) < self._batch_size:
            if (request := self._take(first, deadline)) is None:
                break
            batch.append(request)
        return batch

    def _take(self, first: Request, deadline: float) -> Request | None:
        """One more request like `first`, from those held back or from the queue until the deadline."""
        for position, held in enumerate(self._held):
            if _share(first, held):
                return self._held.pop(position)
        while True:
            try:
                request: Request | None = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if request is None:
                self._queue.put(None)  # close after this batch
                return None
            if _share(first, request):
                return request
            self._held.append(request)

    def _refuse(self) -> None:
        waiting = list(self._held)
        while not self._queue.empty():
            request = self._queue.get()
            if request is not None:
                waiting.append(request)
        for request in waiting:
            request.future.cancel()

    # --- one batch ------------------------------------------------------------------------------

    @torch.inference_mode()
    def generate(
        self, batch: Sequence[Request], answer: Callable[[Request, Completion], None] = lambda request, completion: None
    ) -> list[Completion]:
        """Decode one batch; the rows come back in its order, and each goes to `answer` as soon as it is done."""
        longest = max(len(request.prompt_ids) for request in batch)
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._ends[0]
        ids = torch.full((len(batch), longest), pad)
        mask = torch.zeros_like(ids)
        for row, request in enumerate(batch):
            ids[row, longest - len(request.prompt_ids) :] = torch.tensor(request.prompt_ids)
            mask[row, longest - len(request.prompt_ids) :] = 1
        rows = _Rows(batch, self._tokenizer, longest, self._ends, answer)
        temperature = batch[0].temperature
        sampling: dict[str, Any] = {"do_sample": False}
        if temperature > 0 and batch[0].seed is not None:
            seeds = [seed_of(int(request.seed or 0), request.prompt_ids) for request in batch]
            noise = SeededNoise(seeds, temperature, longest)
            sampling |= {"logits_processor": LogitsProcessorList([noise])}
        elif temperature > 0:
            sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        device = self._model.device
        try:
            self._model.generate(
                ids.to(device), attention_mask=mask.to(device), eos_token_id=self._ends, pad_token_id=pad,
                max_new_tokens=max(request.max_new_tokens for request in batch),
                stopping_criteria=StoppingCriteriaList([rows]),
                past_key_values=roomy_cache(self._model.config) if device.type == "cpu" else None,
                **sampling,
            )  # fmt: skip
        finally:
            torch.set_num_threads(self._threads)  # of this thread: few_threads has set it
        return [rows.completions[row] for row in range(len(batch))]


def decode(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    """Tokens of a reply as text, special tokens left out."""
    text = tokenizer.decode(tokens, skip_special_tokens=True)
    assert isinstance(text, str)
    return text


def cut_at(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """`text` up to the first stop string, and whether there was one."""
    found = [position for position in (text.find(word) for word in stop) if position >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _share(a: Request, b: Request) -> bool:
    return a.temperature == b.temperature and (a.seed is None) == (b.seed is None)


class _Rows(StoppingCriteria):
    """Ends rows at their own limits (tokens, stop strings, a caller who has gone), streams and answers them.

    `completions`: of the rows that are done; `generate` only pads these.
    """

    def __init__(
        self,
        batch: Sequence[Request],
        tokenizer: PreTrainedTokenizerBase,
        prompt: int,
        ends: Sequence[int],
        answer: Callable[[Request, Completion], None],
    ) -> None:
        self.completions: dict[int, Completion] = {}
        self._batch = batch
        self._tokenizer = tokenizer
        self._prompt = prompt
        self._ends = ends
        self._answer = answer
        # A stop string of n bytes spans at most n tokens, and one more in which it may have begun.
        self._tail = [max((len(word.encode()) for word in request.stop), default=0) + 1 for request in batch]

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        """(B,) True for rows that are done."""
        length = input_ids.shape[1] - self._prompt
        for row, request in enumerate(self._batch):
            if row in self.completions:
                continue
            ended = int(input_ids[row, -1]) in self._ends
            done = (
                ended
                or length >= request.max_new_tokens
                or request.given_up.is_set()
                or (bool(request.stop) and self._stopped(row, request, input_ids))
            )
            if request.on_text is not None and not ended:
                self._stream(request.on_text, request.stop, input_ids[row, self._prompt :].tolist())
            if done:
                self.completions[row] = self._completion(request, input_ids[row, self._prompt :].tolist())
                self._answer(request, self.completions[row])
        return torch.tensor([row in self.completions for row in range(len(self._batch))], device=input_ids.device)

    def _completion(self, request: Request, tokens: list[int]) -> Completion:
        kept = list(itertools.takewhile(lambda token: token not in self._ends, tokens))
        ended = len(kept) < len(tokens)
        text, stopped = cut_at(decode(self._tokenizer, kept), request.stop)
        return Completion(text, len(request.prompt_ids), len(kept) + ended, "stop" if ended or stopped else "length")

    def _stopped(self, row: int, request: Request, input_ids: Tensor) -> bool:
        tail = input_ids[row, max(self._prompt, input_ids.shape[1] - self._tail[row]) :]
        return cut_at(decode(self._tokenizer, tail.tolist()), request.stop)[1]

    def _stream(self, on_text: Callable[[str], None], stop: Sequence[str], tokens: list[int]) -> None:
        text, _ = cut_at(decode(self._tokenizer, tokens), stop)
        if not text.endswith("\ufffd"):  # half a character: wait for the rest
            on_text(text)
