"""The parser of the agent's text.

It lies in `deepcoder.parser`, below the models, because the expert reads steps too.
"""

from deepcoder.parser import ParseFailure, answer_text, parse_step, reasoning_of

__all__ = ["ParseFailure", "answer_text", "parse_step", "reasoning_of"]
