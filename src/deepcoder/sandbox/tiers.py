"""Which isolation this machine can give: strongest first, the weak one only by name, else a refusal."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Protocol

from deepcoder.config import SandboxConfig
from deepcoder.errors import ConfigError, SandboxUnavailable
from deepcoder.sandbox.worker import BootFailed, Worker


class Tier(Protocol):
    """A way to isolate; `name` as in the config."""

    name: str

    async def start_worker(self) -> Worker:
        """A ready worker; BootFailed names the step that failed."""
        ...


class Namespaces:
    """Tier 1: the zygote."""

    name = "namespaces"

    def __init__(self, config: SandboxConfig) -> None:
        self.packages = package_paths(config.packages)

    async def start_worker(self) -> Worker:
        """See Tier."""
        return await Worker.start("boot", self.packages)


async def open_tier(config: SandboxConfig) -> Tier:
    """The tier to use; SandboxUnavailable where none is left."""
    tier = Namespaces(config)
    try:
        worker = await tier.start_worker()
    except BootFailed as error:
        raise SandboxUnavailable(error.message, hint="see `deepcoder doctor`") from error
    await worker.close()
    return tier


def package_paths(names: list[str]) -> dict[str, str]:
    """Name in the sandbox -> host path, for each allowed package and the libraries that lie beside it."""
    paths: dict[str, str] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ConfigError(f"sandbox.packages: {name} is not installed here")
        path = Path(spec.origin)
        path = path.parent if path.name == "__init__.py" else path
        paths[path.name] = str(path)
        beside = path.with_name(f"{name}.libs")
        if beside.is_dir():
            paths[beside.name] = str(beside)
    return paths
