from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.fakes.hub import TOKEN, FakeHub
from tests.trajectories.made import made

from deepcoder.errors import HubError, StageError
from deepcoder.records import Trajectory
from deepcoder.sharing import prepare_upload, push
from deepcoder.trajectories import ShardWriter, read_trajectories

pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with FakeHub() as hub:
        yield hub


def read_back(files: dict[str, bytes], folder: Path) -> list[Trajectory]:
    """The uploaded data files, read as a run's."""
    folder.mkdir()
    for number, name in enumerate(sorted(name for name in files if name.startswith("data/"))):
        (folder / f"shard-{number:05d}.parquet").write_bytes(files[name])
    return list(read_trajectories(folder))


def test_what_is_pushed_is_the_verified_trajectories_and_a_card(run: Path, hub: FakeHub, tmp_path: Path) -> None:
    url = push(prepare_upload(run, "agents", rows=2), "agents", endpoint=hub.endpoint)
    repo = hub.repos["me/agents"]
    assert url == f"{hub.endpoint}/datasets/me/agents/commit/{1:040x}"
    assert not repo.private
    assert set(repo.files) == {"README.md", "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"}
    assert read_back(repo.files, tmp_path / "back") == list(read_trajectories(run / "trajectories"))


def test_a_second_push_replaces_the_first_in_one_commit(run: Path, hub: FakeHub) -> None:
    push(prepare_upload(run, "me/agents", rows=1), "me/agents", endpoint=hub.endpoint)
    hub.repos["me/agents"].files["notes.md"] = b"mine"
    push(prepare_upload(run, "me/agents"), "me/agents", endpoint=hub.endpoint)
    repo = hub.repos["me/agents"]
    assert set(repo.files) == {"README.md", "data/train-00000-of-00001.parquet", "notes.md"}
    assert repo.commits == 2


def test_private_is_private_or_nothing_is_sent(run: Path, hub: FakeHub) -> None:
    upload = prepare_upload(run, "agents")
    push(upload, "agents", private=True, endpoint=hub.endpoint)
    assert hub.repos["me/agents"].private
    push(upload, "public", endpoint=hub.endpoint)
    with pytest.raises(HubError, match="is public; nothing was uploaded"):
        push(upload, "public", private=True, endpoint=hub.endpoint)
    assert hub.repos["me/public"].commits == 1


def test_a_wrong_token_and_a_missing_right_are_told_apart(
    run: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = prepare_upload(run, "agents")
    with pytest.raises(HubError, match="403") as caught:
        push(upload, "others/agents", endpoint=hub.endpoint)
    assert "others/agents" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError, match="401") as caught:
        push(upload, "agents", endpoint=hub.endpoint)
    assert "HF_TOKEN" in caught.value.hint
    assert "hf_wrong" not in str(caught.value)
    assert hub.repos == {}


def test_no_token_and_a_bad_name(run: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HubError, match="no name of a repository"):
        push({}, "a/b/c", endpoint=hub.endpoint)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(HubError, match="no token"):
        push({}, "agents", endpoint=hub.endpoint)
    assert hub.requests == []


def test_a_hub_that_cannot_be_reached(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(HubError, match="cannot be reached"):
            push({}, "agents", endpoint=closed)


def test_the_card_states_the_runs_facts(run: Path) -> None:
    text = prepare_upload(run, "me/agents", license="cc-by-4.0")["README.md"].decode()
    _, head, body = text.split("---\n", 2)
    meta = yaml.safe_load(head)
    assert meta["license"] == "cc-by-4.0"
    assert meta["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    for fact in (
        "3 agent runs", "groq:r1 2, expert 1", "not a language model", "| sums | 2 |", "rejected wrong 1",
        "1 of them failed", "nothing; no check for benchmark problems is recorded", "`teacher.model=expert`",
    ):  # fmt: skip
        assert fact in body
    assert str(run.parent) not in text
    assert "No licence" in prepare_upload(run, "me/agents")["README.md"].decode()


def test_the_upload_loads_with_the_datasets_library(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for name, content in prepare_upload(run, "agents").items():
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_bytes(content)
    loaded = datasets.load_dataset(str(tmp_path / "repo"), cache_dir=str(tmp_path / "cache"), split="train")
    assert loaded["problem_id"][:] == ["a", "b", "c"]
    assert loaded[0]["messages"][0] == {"role": "user", "content": made("a").prompt}


def test_nothing_to_push(tmp_path: Path, run: Path) -> None:
    with pytest.raises(StageError, match=r"no config\.yaml"):
        prepare_upload(tmp_path / "nowhere", "x")
    for path in (run / "trajectories").glob("shard-*"):
        path.unlink()
    with ShardWriter(run / "trajectories") as writer:
        writer.reject(made("z", passed=False))
    with pytest.raises(StageError, match="no verified"):
        prepare_upload(run, "x")
