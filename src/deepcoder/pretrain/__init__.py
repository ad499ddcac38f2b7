"""How nano's base model was made: tokenizer, corpus, synthetic text, training, probe.

Everything here but `corpus` runs with torch, transformers, tokenizers, numpy and safetensors alone, and where problems
are made anew (`--worked new`) with pydantic and yaml, so that a bare GPU machine can run it from a source tree
(`PYTHONPATH=src python -m deepcoder.pretrain train ...`).
"""
