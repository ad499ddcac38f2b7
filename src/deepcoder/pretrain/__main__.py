"""The commands of the recipe: `python -m deepcoder.pretrain corpus|tokenizer|train|probe|sweep`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

BEGAN = time.monotonic()


def _parser() -> argparse.ArgumentParser:
    from deepcoder.pretrain.settings import Settings

    parser = argparse.ArgumentParser(prog="python -m deepcoder.pretrain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("corpus", help="build the corpus folder")
    corpus.add_argument("--out", type=Path, required=True)
    corpus.add_argument("--downloads", type=Path, help="where wheels are kept (default: OUT/../downloads)")
    corpus.add_argument("--pairs", type=int, default=200_000, help="training pairs of the procedural problems")
    corpus.add_argument("--tokenizer", type=Path, help="copy this folder's tokenizer instead of learning one")
    tokenizer = commands.add_parser("tokenizer", help="learn the tokenizer from a corpus folder")
    tokenizer.add_argument("--corpus", type=Path, required=True)
    tokenizer.add_argument("--out", type=Path, required=True)
    train = commands.add_parser("train", help="pre-train a base")
    train.add_argument("--corpus", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--config", default="base", help="base, deep, wide or toy")
    for field in fields(Settings):
        if field.name in ("shape", "compile"):
            continue
        kind = {"int": int, "float": float}.get(str(field.type), str)
        train.add_argument("--" + field.name.replace("_", "-"), type=kind, default=None)
    train.add_argument("--no-compile", action="store_true")
    train.add_argument("--cache", type=Path, help="keep synthetic shards here for later runs (same seed and corpus)")
    probe = commands.add_parser("probe", help="fine-tune bases quickly on examples and score held-out actions")
    probe.add_argument("--examples", type=Path, required=True, help="npz written by probe-data")
    probe.add_argument("--base", type=Path, nargs="+", required=True)
    probe.add_argument("--out", type=Path)
    probe.add_argument("--learning-rate", type=float, default=1e-3)
    probe.add_argument("--epochs", type=int, default=1)
    probe.add_argument("--limit", type=int, default=0, help="training examples (0: all)")
    data = commands.add_parser("probe-data", help="collect a run's examples/*.parquet into one npz")
    data.add_argument("--train", type=Path, nargs="+", required=True)
    data.add_argument("--held-out", type=Path, nargs="+", required=True, help="each becomes a split named by its stem")
    data.add_argument("--out", type=Path, required=True)
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
    manifest = build_corpus(arguments.out, downloads, pairs=arguments.pairs)
    if arguments.tokenizer:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(arguments.tokenizer / name, arguments.out / name)
    else:
        build_tokenizer(arguments.out, arguments.out)
    write_manifest(arguments.out, manifest)
    print(json.dumps({key: manifest[key] for key in ("documents", "entries", "pairs", "words")}))


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
        case "probe":
            from deepcoder.pretrain.probe import probe_all

            probe_all(parsed.base, parsed.examples, parsed.out, parsed.learning_rate, parsed.epochs, parsed.limit)
        case _:
            from deepcoder.pretrain.probe_data import collect

            collect(parsed.train, parsed.held_out, parsed.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
