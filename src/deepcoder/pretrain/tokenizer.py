"""nano's tokenizer: byte-level BPE, 4,096 entries, built so that a tiny model can copy.

Two choices differ from the usual GPT pre-tokenizer, both for copying, which is what a tiny model fails at:

- A word has one spelling in tokens. GPT-style patterns glue the character before a word to it, so ` murmuration`,
  `"murmuration` and `(murmuration` become three unlike token sequences and copying a word from a sentence into code
  is a translation. Here letters stand alone; only the most frequent words (`the`, `of`, `number`, ...), which are
  named in the pattern, also have a form with a leading space.
- Digits stand alone, one token each.

The labels of the agent's text and a few very frequent calls (`print(`) are pieces of their own, so that a step costs
few tokens. Labels are only pieces of text: the base model never sees them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from deepcoder.pretrain.synthetic.exercises import make_exercise
from deepcoder.pretrain.synthetic.words import Words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 4096
END_OF_TEXT, IM_START, IM_END, PAD = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"
SPECIAL_TOKENS = (END_OF_TEXT, IM_START, IM_END, PAD)
MODEL_MAX_LENGTH = 2048

LABELS = (
    "Thought:",
    "Action: execute_python",
    "Action: retrieve_knowledge",
    "Action: finish",
    "Action Input:\n",
    "Observation:",
    "```python\n",
    "```",
)
CALLS = (
    "print",
    "len",
    "sum",
    "sorted",
    "max",
    "min",
    "range",
    "int",
    "str",
    "list",
    "set",
    "dict",
    "abs",
    "round",
    "enumerate",
    "zip",
    "map",
    "any",
    "all",
    "isinstance",
    "type",
)
METHODS = (
    "join",
    "split",
    "append",
    "lower",
    "upper",
    "replace",
    "count",
    "strip",
    "items",
    "keys",
    "values",
    "get",
    "format",
    "index",
)
FREQUENT_WORDS = 600


def words_by_frequency(texts: Iterable[str]) -> Counter[str]:
    """How often each run of ASCII letters follows a space: the candidates for a form with a leading space."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(re.findall(r"(?<= )[A-Za-z]{1,14}(?![A-Za-z0-9_])", text))
    return counts


def any_of(words: Iterable[str]) -> str:
    """A pattern that matches any of the words, as a trie: the regular expression engine tries alternatives in turn."""
    tails: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        tails.setdefault(word[:1], []).append(word[1:])
    # The empty word comes last: a longer match is tried first.
    branches = [first + any_of(rest) for first, rest in sorted(tails.items(), reverse=True) if first]
    return "" if branches == [] else "(?:" + "|".join(branches + ([""] if "" in tails else [])) + ")"


def split_pattern(spaced_words: Sequence[str]) -> str:
    """The pre-tokenizer's pattern; each match is a piece that no merge crosses. The alternatives are tried in order."""
    return "|".join(
        (
            *(
                re.escape(label).replace("\\\n", "\\n") + (r"(?![\p{L}_])" if label[-1].isalpha() else "")
                for label in LABELS
            ),
            " " + any_of(spaced_words) + r"(?![\p{L}\p{N}_])",
            "(?:" + "|".join(CALLS) + r")\(",
            r"\.(?:" + "|".join(METHODS) + r")\(",
            r"\p{L}+",
            r"\p{N}",
            r"(?:\r?\n)+ *",
            r" ?[^\s\p{L}\p{N}]+(?: [^\s\p{L}\p{N}]+)* ?",
            r" +",
            r"\s+",
        )
    )


def step_texts(rng: Random, words: Words, count: int) -> Iterator[str]:
    """Exercises in the agent's labels, so that these become tokens. Only the tokenizer sees such text."""
    for _ in range(count):
        exercise = make_exercise(rng, words)
        yield (
            f"user\n{exercise.instruction}\nassistant\nThought: {exercise.plan}.\n"
            f"Action: execute_python\nAction Input:\n"
            f"```python\n{exercise.program}\n```\nuser\nObservation: {exercise.output}\n"
        )
        if rng.random() < 0.5:
            thought = f"The result is {exercise.output}."
            yield f"assistant\nThought: {thought}\nAction: finish\nAction Input:\n{exercise.output}\n"
        if rng.random() < 0.3:
            yield "Thought: I look that up.\nAction: retrieve_knowledge\nAction Input:\n"


def train_tokenizer(
    texts: Sequence[str], *, vocabulary: int = VOCABULARY, frequent_words: int = FREQUENT_WORDS
) -> Tokenizer:
    """Learn the tokenizer from `texts` (all in memory); deterministic for the same texts in the same order."""
    frequent = [word for word, _ in words_by_frequency(texts).most_common(frequent_words)] or ["the"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split_pattern(frequent)), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def as_pretrained(tokenizer: Tokenizer, chat_template: str) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers loads it. A turn ends with <|im_end|>; padding is a token of its own."""
    # Imported here: the worker processes that make text need no transformers and start faster.
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=IM_END,
        pad_token=PAD,
        additional_special_tokens=[END_OF_TEXT, IM_START],
        clean_up_tokenization_spaces=False,
        model_max_length=MODEL_MAX_LENGTH,
    )
    wrapped.chat_template = chat_template
    return wrapped


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a special token. Raises ValueError where the tokenizer has none."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no token {token}")
    return int(found)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, chat_template: str) -> None:
    """Write tokenizer.json and tokenizer_config.json (the template inside), loadable by AutoTokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    as_pretrained(tokenizer, chat_template).save_pretrained(folder, save_jinja_files=False)
