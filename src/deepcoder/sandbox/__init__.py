"""Untrusted Python: nothing gets out, nothing stays.

async with open_sandbox(config.sandbox) as box:
    result = await box.run("print(1)")
"""

from deepcoder.sandbox.pool import Sandbox, open_sandbox
from deepcoder.sandbox.result import Limits, RunResult, SessionEnded, Status
from deepcoder.sandbox.session import Session

__all__ = ["Limits", "RunResult", "Sandbox", "Session", "SessionEnded", "Status", "open_sandbox"]
