"""`deepcoder push`: a run's verified trajectories as a data set on the Hugging Face hub, in one commit.

What is uploaded is built first, whole, and can be looked at without a request (`--dry-run`). The commit also
removes data files of an earlier push, so that the data set is always that of one run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from deepcoder.config import load_config
from deepcoder.errors import HubError, StageError
from deepcoder.runs import RunFolder
from deepcoder.sharing.card import card
from deepcoder.sharing.facts import Facts
from deepcoder.trajectories import read_trajectories
from deepcoder.trajectories.parquet import parquet_bytes

ROWS = 20_000
"""Trajectories in one file; what is in memory while files are built is one of them and the packed files."""

Upload = dict[str, bytes]
"""Path in the repository -> content."""


def prepare_upload(run_dir: Path, name: str, *, license: str | None = None, rows: int = ROWS) -> Upload:
    """README.md and data/train-*.parquet. Raises StageError where nothing was verified."""
    config_file = run_dir / "config.yaml"
    if not config_file.exists():
        raise StageError(f"{run_dir} is not a run folder: it has no config.yaml", hint="deepcoder generate makes one")
    folder = RunFolder(load_config(config_file, [f"run.dir={run_dir}"]))
    facts, files = Facts(), []
    runs = read_trajectories(folder.stage("generate"))
    while batch := list(islice(runs, rows)):
        for run in batch:
            facts.add(run)
        files.append(parquet_bytes(batch))
    if not files:
        raise StageError(f"{run_dir} has no verified trajectories to push", hint="run deepcoder generate first")
    upload = {f"data/train-{number:05d}-of-{len(files):05d}.parquet": file for number, file in enumerate(files)}
    return {"README.md": card(name, facts, folder.manifest("generate"), license=license).encode(), **upload}


def push(upload: Upload, repo: str, *, private: bool = False, endpoint: str | None = None) -> str:
    """Create the data set's repository where needed and commit the files; returns the commit's address.

    The token is HF_TOKEN, else the one that `hf auth login` stored. Raises HubError where the hub refuses or
    cannot be reached, and where `private` is asked for and the repository is public already.
    """
    try:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
    except ImportError:
        raise HubError(
            "deepcoder push needs the library huggingface_hub", hint="pip install 'deepcoder[hub]'"
        ) from None
    token = os.environ.get("HF_TOKEN") or get_token()
    if not token:
        raise HubError(
            "there is no token for the Hugging Face hub",
            hint="set HF_TOKEN to one with write permission (huggingface.co/settings/tokens)",
        )
    api = HfApi(endpoint=endpoint, token=token)
    with _explained(repo):
        repo = api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True).repo_id
        if private and not api.dataset_info(repo).private:
            raise HubError(
                f"{repo} is there already and is public; nothing was uploaded",
                hint="make it private in its settings, choose another name, or leave --private out",
            )
        old = {name for name in api.list_repo_files(repo, repo_type="dataset") if name.startswith("data/")}
        operations = [CommitOperationAdd(name, content) for name, content in upload.items()]
        stale = [CommitOperationDelete(name) for name in sorted(old - set(upload))]
        commit = api.create_commit(
            repo, [*operations, *stale], commit_message="Trajectories of a DeepCoder run", repo_type="dataset"
        )
    return str(commit.commit_url)


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """What the hub's library raises, as HubError with what to do about it."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except HFValidationError as error:
        raise HubError(
            f"{repo!r} is no name of a repository: {error}", hint="--repo NAME or --repo OWNER/NAME"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        said = error.server_message or str(error).strip().splitlines()[0]
        hints = {
            401: "the token is wrong or has expired: set HF_TOKEN to a valid one",
            403: f"the token may not write to {repo}: it needs write permission there",
            404: "the repository is not there, or the token may not see it",
        }
        raise HubError(
            f"the hub refused {repo}: {status}, {said}", hint=hints.get(status or 0, "try again later; nothing is lost")
        ) from None
    except (httpx.HTTPError, OfflineModeIsEnabled) as error:
        raise HubError(
            f"the hub cannot be reached: {error}", hint="check the network, HF_ENDPOINT, HF_HUB_OFFLINE"
        ) from None
