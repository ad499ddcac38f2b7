"""The commands of the recipe: `python -m deepcoder.pretrain corpus|tokenizer|train|card|probe-data|probe`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

BEGAN = time.monotonic()


def _parser() -> argparse.ArgumentParser:
    from deepcoder.pretrain.settings import CHOICES, Settings
    from deepcoder.pretrain.shapes import SHAPES

    parser = argparse.ArgumentParser(prog="python -m deepcoder.pretrain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("corpus", help="build the corpus folder")
    corpus.add_argument("--out", type=Path, required=True)
    corpus.add_argument("--downloads", type=Path, help="where wheels are kept (default: OUT/../downloads)")
    corpus.add_argument("--worked", type=int, default=100_000, help="procedural training problems, worked out")
    corpus.add_argument("--tokenizer", type=Path, help="copy this folder's tokenizer instead of learning one")
    tokenizer = commands.add_parser("tokenizer", help="learn the tokenizer from a corpus folder")
    tokenizer.add_argument("--corpus", type=Path, required=True)
    tokenizer.add_argument("--out", type=Path, required=True)
    train = commands.add_parser("train", help="pre-train a base")
    train.add_argument("--corpus", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True)
    train.add_argument(
        "--config", default=Settings().shape, choices=SHAPES, metavar="SHAPE", help=f"a shape: {', '.join(SHAPES)}"
    )
    for field in fields(Settings):
        if field.name in ("shape", "compile"):
            continue
        kind = {"int": int, "float": float}.get(str(field.type), str)
        train.add_argument("--" + field.name.replace("_", "-"), type=kind, choices=CHOICES.get(field.name))
    train.add_argument("--no-compile", action="store_true")
    train.add_argument(
        "--cache", type=Path, help="keep synthetic shards here, for runs with the same corpus and wordings"
    )
    card = commands.add_parser("card", help="measure how much context a base supports, and say so in its card")
    card.add_argument("base", type=Path)
    card.add_argument("--files", type=int, default=24)
    probe = commands.add_parser("probe", help="fine-tune bases quickly on examples and score held-out actions")
    probe.add_argument("--examples", type=Path, required=True, help="a file that probe-data wrote")
    probe.add_argument("--base", type=Path, nargs="+", required=True)
    probe.add_argument("--out", type=Path)
    probe.add_argument("--learning-rate", type=float, default=1e-3)
    probe.add_argument("--epochs", type=int, default=1)
    probe.add_argument("--limit", type=int, nargs="+", default=[0], help="training examples (0: all); one probe each")
    probe.add_argument("--save", type=Path, help="a folder for the fine-tuned students")
    data = commands.add_parser("probe-data", help="expert runs of every split, for probe")
    data.add_argument("--tokenizer", type=Path, help="the base's, where it is not the shipped one")
    data.add_argument("--config", type=Path, default=Path("configs/demo.yaml"))
    data.add_argument("--out", type=Path, required=True)
    data.add_argument("--train", type=int, default=4000)
    data.add_argument("--held-out", type=int, default=250)
    return parser


def _train(arguments: argparse.Namespace) -> None:
    from deepcoder.pretrain.settings import TOY, Settings
    from deepcoder.pretrain.train import pretrain

    start = TOY if arguments.config == "toy" else Settings(shape=arguments.config)
    given = {f.name: getattr(arguments, f.name, None) for f in fields(Settings)}
    settings = replace(start, **{k: v for k, v in given.items() if v is not None and k not in ("shape", "compile")})
    if arguments.no_compile:
        settings = replace(settings, compile=False)
    run = pretrain(settings, arguments.corpus, arguments.out, began=BEGAN, cache=arguments.cache)
    print(
        f"{run.tokens / 1e6:.1f} M tokens in {run.seconds:.0f} s ({run.ended}), held-out {run.losses}: {arguments.out}"
    )


def _corpus(arguments: argparse.Namespace) -> None:
    import json
    import shutil

    from deepcoder.pretrain.corpus import build_corpus, build_tokenizer, write_manifest

    downloads = arguments.downloads or arguments.out.parent / "downloads"
    manifest = build_corpus(arguments.out, downloads, worked=arguments.worked)
    if arguments.tokenizer:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(arguments.tokenizer / name, arguments.out / name)
    else:
        build_tokenizer(arguments.out, arguments.out)
    write_manifest(arguments.out, manifest)
    print(json.dumps({key: manifest[key] for key in ("documents", "entries", "worked", "words")}))


def _probe_data(arguments: argparse.Namespace) -> None:
    from deepcoder.config import load_config
    from deepcoder.pretrain.probe_data import write_examples

    overrides = [f"problems.train={arguments.train}", f"problems.held_out={arguments.held_out}"]
    if arguments.tokenizer is not None:
        overrides.append(f"student.tokenizer={arguments.tokenizer}")
    print(write_examples(load_config(arguments.config, overrides), arguments.out))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command."""
    parsed = _parser().parse_args(arguments)
    match parsed.command:
        case "corpus":
            _corpus(parsed)
        case "tokenizer":
            from deepcoder.pretrain.corpus import build_tokenizer

            build_tokenizer(parsed.corpus, parsed.out)
        case "train":
            _train(parsed)
        case "card":
            from deepcoder.pretrain.context import tell_context

            print(tell_context(parsed.base, parsed.files).context)
        case "probe":
            from deepcoder.pretrain.probe import probe_all

            probe_all(parsed)
        case _:
            _probe_data(parsed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
