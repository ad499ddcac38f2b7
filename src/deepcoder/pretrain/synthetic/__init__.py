"""Synthetic pre-training text: instructions with code and its output, copying, documentation, repairs.

A pure function of a seed: a GPU machine makes hundreds of megabytes of it in a minute, so that none has to be carried
there. Standard library only, but for `fresh` and `lookups`, which need what `deepcoder.problems` does: pydantic, yaml.
Nothing here is in the agent's format.
"""
