from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from deepcoder.models.nano.loading import CHECKPOINT
from deepcoder.pretrain.carried import ENTRIES, SOURCE, WORDS, WORKED, write_rows


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder in small: 600 made-up functions, one entry, one worked problem, the shipped tokenizer."""
    folder = tmp_path_factory.mktemp("corpus")
    functions = [f"def add_{n}(value):\n    '''Add {n} to the value.'''\n    return value + {n}\n" for n in range(600)]
    write_rows(folder / SOURCE, [{"source": "made", "text": text} for text in functions])
    write_rows(folder / ENTRIES, [{"symbol": "math.comb", "signature": "(n, k)", "text": "Number of ways."}])
    write_rows(folder / WORKED, [["Double 3.", [["Double it.", "print(6)", "6", False]], "6"]])
    (folder / WORDS).write_text("value\nsequence\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(CHECKPOINT / name, folder / name)
    (folder / "corpus.json").write_text(json.dumps({"packages": [{"name": "made", "licence": "MIT"}]}))
    return folder
