from __future__ import annotations

import io

import pytest
from rich.console import Console

from deepcoder import doctor
from deepcoder.config import load_config
from deepcoder.doctor import Finding, examine
from deepcoder.sandbox import probe
from deepcoder.sandbox.probe import Probe


def only(monkeypatch: pytest.MonkeyPatch, *checks: str) -> None:
    """Leave out every check but these."""
    for name in {"_python", "_packages", "_sandbox", "_gpu", "_disk", "_teacher"} - set(checks):
        monkeypatch.setattr(doctor, name, lambda *_: [])


def printed(*overrides: str) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=300)
    fine = examine(load_config(None, overrides), console)
    assert isinstance(console.file, io.StringIO)
    return fine, console.file.getvalue()


def test_a_missing_key_names_its_variable_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_teacher")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    fine, text = printed("teacher.model=groq:some-model")
    assert not fine
    assert "export GROQ_API_KEY=..." in text


def test_the_expert_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_teacher")
    assert printed()[0]


@pytest.mark.parametrize(
    ("tier", "working", "fine"),
    [
        ("auto", "bubblewrap", True),
        ("auto", "landlock", False),
        ("landlock", "landlock", True),
        ("namespaces", "bubblewrap", False),
    ],
)
def test_only_a_tier_that_the_config_allows_will_do(
    monkeypatch: pytest.MonkeyPatch, tier: str, working: str, fine: bool
) -> None:
    only(monkeypatch, "_sandbox")
    probes = [
        Probe(name, name == working, "" if name == working else "no", fix="sudo something")
        for name in ("namespaces", "bubblewrap", "landlock")
    ]
    monkeypatch.setattr(probe, "probe_tiers", lambda _: probes)
    seen, text = printed(f"sandbox.tier={tier}")
    assert seen is fine
    assert "sudo something" in text


def test_a_full_size_student_needs_a_large_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_disk")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 50 * 2**30})())
    assert printed()[0]
    fine, text = printed("student.model=Qwen/Qwen3-30B-A3B")
    assert not fine
    assert "may use 100 GiB" in text


def test_one_failure_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    monkeypatch.setattr(doctor, "_python", lambda: [Finding("ok", "a", "b"), Finding("fail", "c", "d", "e")])
    assert not printed()[0]
