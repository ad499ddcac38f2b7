"""The judge: a problem and an answer -> a verdict, reached outside the candidate's process."""

from deepcoder.judge.verdicts import judge, judge_program

__all__ = ["judge", "judge_program"]
