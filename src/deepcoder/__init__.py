"""DeepCoder: distil an agentic coder from a large reasoning model into a small student."""

__version__ = "0.1.0"
