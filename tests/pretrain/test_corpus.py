from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from random import Random

import pytest

from deepcoder.errors import DeepCoderError
from deepcoder.pretrain import sources
from deepcoder.pretrain.cleaning import LONGEST, Deduplicator, acceptable, documents
from deepcoder.pretrain.corpus import build_corpus, library_entries, prose_words, tokenizer_texts, worked_rows
from deepcoder.pretrain.sources import PACKAGES, Package, library_files, package_files
from deepcoder.pretrain.synthetic.exercises import make_exercise
from deepcoder.pretrain.synthetic.words import Words

BODY = "\n".join(f"def function_{chr(97 + n)}(value):\n    return value + {n}\n" for n in range(20))


def test_text_with_a_label_of_the_agent_is_refused():
    assert acceptable(BODY)
    assert not acceptable(BODY + "\nThought: I add.\n")
    assert not acceptable(BODY + "<|im_start|>")
    assert not acceptable("1234567890 " * 60)


def test_documents_lose_their_licence_header_and_are_cut_at_blank_lines():
    assert list(documents("# Copyright\n# All of it\n\nimport os\n")) == ["import os\n"]
    parts = list(documents("\n\n".join(BODY for _ in range(80))))
    assert len(parts) > 1
    assert all(len(part) < LONGEST + len(BODY) + 2 for part in parts)


def test_a_near_copy_is_dropped():
    new = Deduplicator()
    assert new.is_new(BODY)
    assert not new.is_new(BODY.replace("function_a", "other"))
    assert new.is_new(BODY.replace("value", "number"))


def test_licences_are_permissive_and_versions_pinned():
    words = {word for package in PACKAGES for word in package.licence.replace("-based", "").split(" AND ")}
    allowed = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF", "0BSD", "Zlib", "CC0-1.0"}
    assert words <= allowed
    assert all(package.version[0].isdigit() for package in PACKAGES)
    assert len({package.name for package in PACKAGES}) == len(PACKAGES)


def test_a_wheels_tests_are_left_out(tmp_path):
    archive = wheel(tmp_path)
    assert [name for name, _ in package_files(archive)] == ["made-1.0.dist-info/METADATA", "made/a.py"]


def wheel(folder):
    archive = folder / "made-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("made-1.0.dist-info/METADATA", "Name: made\n\nThe readme of a package, in words.\n")
        file.writestr("made/a.py", BODY)
        file.writestr("made/tests/test_a.py", BODY)
    return archive


def test_a_package_that_pip_cannot_fetch_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sources.subprocess, "run", lambda *_, **__: sources.subprocess.CompletedProcess([], 1, "", "no such thing")
    )
    with pytest.raises(DeepCoderError, match="made==9"):
        sources.fetch(Package("made", "9", "MIT"), tmp_path)


def test_words_are_those_of_running_text():
    rows = [{"text": "return the value of the sequence here"} for _ in range(3)]
    assert {"value", "sequence"} <= set(prose_words(rows, least=3))


def test_no_held_out_problem_is_among_the_worked_ones():
    from deepcoder.config import ProblemsConfig
    from deepcoder.problems import open_source

    source = open_source(ProblemsConfig(held_out=60))
    held_out = {problem.prompt for split in source.evaluation_splits for problem in source.problems(split)}
    worked = list(worked_rows(400))
    assert worked
    assert not held_out & {instruction for instruction, *_ in worked}


def test_the_whole_folder_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr("deepcoder.pretrain.corpus.library_files", lambda: list(library_files())[:3])
    monkeypatch.setattr("deepcoder.pretrain.corpus.library_entries", lambda: iter(()))
    wheel(tmp_path)
    manifest = build_corpus(tmp_path / "corpus", tmp_path, packages=(Package("made", "1.0", "MIT"),), worked=20)
    assert manifest["characters"]["made"] > 0
    assert manifest["worked"] > 0
    with pytest.raises(DeepCoderError, match=r"source\.jsonl\.xz"):
        tokenizer_texts(tmp_path)


def test_what_was_carried_is_read_without_what_new_problems_need(corpus):
    program = """if True:
        import sys
        from pathlib import Path
        sys.modules["pydantic"] = None
        from deepcoder.pretrain.carried import load_material
        material = load_material(Path(sys.argv[1]), "carried")
        print(len(material.entries), len(material.worked))
    """
    done = subprocess.run([sys.executable, "-c", program, str(corpus)], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1"], done.stderr


@pytest.mark.slow
def test_library_entries_have_bare_signatures():
    entries = {row["symbol"]: row for row in library_entries()}
    assert entries["math.comb"]["signature"].startswith("(n")


def masked(text):
    text = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|-?\d[\d.,:-]*\d|\d", "#", text.lower())
    return re.sub(r"[^a-z#]+", " ", re.sub(r"#(?:(?:, | and |, and | )#)+", "#", text)).strip()


def test_no_synthetic_instruction_has_a_held_out_wording():
    from deepcoder.config import ProblemsConfig
    from deepcoder.problems import open_source

    source = open_source(ProblemsConfig(held_out=300))
    wordings = {masked(problem.prompt) for problem in source.problems("held_out_wording")}
    rng, words = Random(0), Words()
    assert len(wordings) > 200
    assert not wordings & {masked(make_exercise(rng, words).instruction) for _ in range(500)}
