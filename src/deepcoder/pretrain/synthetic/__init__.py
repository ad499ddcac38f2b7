"""Synthetic pre-training text: instructions with code and its output, copying, documentation, repairs.

Standard library only, and a pure function of a seed: a GPU machine makes hundreds of megabytes of it in a minute, so
that none has to be carried there. Nothing here is in the agent's format.
"""
