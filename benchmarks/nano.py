"""nano on the sealed half of the held-out problems, beside the untrained base, the expert and itself without tools.

For each seed the demo's recipe is run anew with 10,000 trajectories (problems, expert, training, all from that seed;
the demo itself has fewer); the students are then evaluated on problems whose wordings,
compositions and numbers no choice of the recipe was made on (`problems.sealed=true`, a seed of its own). The tables
have Wilson intervals; the last one says what limits the students, by family.

    python benchmarks/nano.py [--seeds 0 1 2] [--mean-of 1] [--held-out 210] [--out runs/bench] [--config FILE]
                               [key=value ...]

`--mean-of N`: a seed's student is the mean of N trainings on its trajectories, each with a seed of its own
(`deepcoder average`).
A run that was cut short goes on from its folder. On two CPU cores a seed
should take some 25 minutes at the demo's speeds.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deepcoder.config import Config, load_config
from deepcoder.evaluate.stage import run_on
from deepcoder.evaluate.statistics import wilson
from deepcoder.pipeline import run_all
from deepcoder.runs import RunFolder
from deepcoder.train.average import average

TRAJECTORIES = 10_000
SPLITS = ("held_out_parameters", "held_out_wording", "held_out_compositions")
EVALUATION_SEED = 20261124  # a new one whenever runs of the last one have been read


def train(config: Config, console: Console, mean_of: int = 1) -> RunFolder:
    """The student of `config`, or the mean of it and `mean_of - 1` others trained on the same examples."""
    run_all(config, console, stages=("generate", "prepare", "train"))
    runs = [config.run.dir]
    for number in range(1, mean_of):
        place = runs[0].with_name(f"{runs[0].name}-again-{number}")
        run = config.run.model_copy(update={"dir": place, "seed": config.run.seed + 1000 * number})
        shutil.copytree(runs[0] / "examples", run.dir / "examples", dirs_exist_ok=True)
        run_all(config.model_copy(update={"run": run}), console, stages=("train",))
        runs.append(run.dir)
    if mean_of == 1:
        return RunFolder(config)
    place = runs[0].with_name(f"{runs[0].name}-mean-of-{mean_of}")
    if not (place / "config.yaml").exists():
        average(runs, place, show=console.print)
    return RunFolder(load_config(place / "config.yaml"))


def evaluate(config: Config, folder: RunFolder, out: Path, console: Console) -> dict[str, Any]:
    run_on(config, folder, out, console)
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def cell(passed: int, n: int) -> str:
    low, high = wilson(passed, n)
    return f"{100 * passed / n:.1f} ({100 * low:.0f}-{100 * high:.0f})"


def split_table(summaries: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="passed, % (95% interval); sealed problems", title_justify="left")
    for column in ("model", *(split.removeprefix("held_out_") for split in SPLITS), "n a split"):
        table.add_column(column)
    for name, figures in summaries.items():
        splits = [figures["by_split"][split] for split in SPLITS]
        table.add_row(name, *(cell(each["passed"], each["n"]) for each in splits), str(splits[0]["n"]))
    return table


def family_table(students: list[dict[str, Any]]) -> Table:
    passed, asked = Counter[str](), Counter[str]()
    for figures in students:
        for family, each in figures["by_family"].items():
            passed[family] += each["passed"]
            asked[family] += each["n"]
    table = Table("family", "passed, %", "n", title="what limits the students (all seeds)", title_justify="left")
    for family in sorted(asked, key=lambda name: passed[name] / asked[name]):
        table.add_row(family, cell(passed[family], asked[family]), str(asked[family]))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--mean-of", type=int, default=1)
    parser.add_argument("--held-out", type=int, default=210)
    parser.add_argument("--out", type=Path, default=Path("runs/bench"))
    parser.add_argument("--config", type=Path, default=Path("configs/demo.yaml"))
    parser.add_argument("overrides", nargs="*")
    arguments = parser.parse_args()
    if arguments.mean_of < 1:
        parser.error("--mean-of is 1 or more")
    console = Console()
    summaries: dict[str, dict[str, Any]] = {}
    students = []
    for seed in arguments.seeds:
        recipe = [f"run.seed={seed}", f"problems.seed={1000 + seed}", f"problems.train={TRAJECTORIES}"]
        recipe += arguments.overrides
        trained = load_config(arguments.config, [*recipe, f"run.dir={arguments.out}/seed-{seed}"])
        folder = train(trained, console, arguments.mean_of)
        first = seed == arguments.seeds[0]
        sealed = [
            "problems.sealed=true",
            f"problems.seed={EVALUATION_SEED}",
            f"problems.held_out={arguments.held_out}",
            f"evaluate.models={'[base, student, teacher]' if first else '[student]'}",
            f"evaluate.no_tools={'true' if first else 'false'}",
        ]
        config = load_config(arguments.config, [*recipe, *sealed, f"run.dir={folder.path}"])
        summary = evaluate(config, folder, arguments.out / f"sealed-{folder.path.name}", console)
        for name in ("base", "teacher", "student_no_tools"):
            if name in summary:
                summaries[{"teacher": "expert", "student_no_tools": "student, tools off"}.get(name, name)] = summary[
                    name
                ]
        summaries[f"student, seed {seed}"] = summary["student"]
        students.append(summary["student"])
    console.print(split_table(summaries))
    console.print(family_table(students))


if __name__ == "__main__":
    main()
