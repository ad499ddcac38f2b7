"""A program and the host talking in frames."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack

import pytest

from deepcoder.sandbox import Limits, RunResult, Sandbox, SessionEnded, Status
from deepcoder.sandbox.session import MAX_FRAME_BYTES, Session

ECHO = """
import deepcoder_channel
while (frame := deepcoder_channel.receive()) is not None:
    deepcoder_channel.send(frame[::-1])
print("bye")
"""


@pytest.mark.parametrize("frame", [b"", b"abc", bytes(range(256)) * 4000])
async def test_frames_come_back_whole(box: Sandbox, frame: bytes) -> None:
    async with box.session(ECHO) as session:
        for _ in range(3):
            await session.send(frame)
            assert await session.receive() == frame[::-1]
        result = await session.finish()
    assert (result.status, result.stdout) == (Status.OK, "bye\n")
    assert session.result == result


async def test_the_end_of_the_program_is_raised(box: Sandbox) -> None:
    async with box.session("import deepcoder_channel as c\nc.send(b'one')\nraise SystemExit(4)") as session:
        assert await session.receive() == b"one"
        with pytest.raises(SessionEnded) as ended:
            await session.receive()
        assert (ended.value.result.status, ended.value.result.exit_code) == (Status.ERROR, 4)
        with pytest.raises(SessionEnded):
            await session.send(b"too late" * 100_000)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import os; os.write(3, b'\\x00\\x00\\x00\\x09cut'); os._exit(0)", Status.OK),  # a frame cut short
        ("import os, time; os.write(3, b'\\xff\\xff\\xff\\xff'); time.sleep(60)", Status.OUTPUT_LIMIT),
        ("import os, time; os.close(3); time.sleep(60)", Status.TIMEOUT),
        ("while True: pass", Status.TIMEOUT),
        ("x = bytearray(1 << 40)", Status.MEMORY),
        ("import os; os.kill(os.getpid(), 9)", Status.KILLED),
    ],
)
async def test_what_a_program_does_instead_of_answering(box: Sandbox, code: str, status: Status) -> None:
    async with box.session(code, Limits(cpu_s=0.3, wall_s=1)) as session:
        with pytest.raises(SessionEnded) as ended:
            await session.receive()
    assert ended.value.result.status is status


async def test_waiting_for_the_host_is_not_the_programs_time(box: Sandbox) -> None:
    async with box.session(ECHO, Limits(wall_s=1.5)) as session:
        await session.send(b"a")
        await session.receive()
        await asyncio.sleep(2)
        await session.send(b"b")
        assert await session.receive() == b"b"


async def test_waiting_for_a_core_is_not_the_programs_time(box: Sandbox) -> None:
    """Programs that share too few cores end by their CPU time, not by the time that they wait; sleep is not forgiven.

    They begin at once, so that the busy ones need at least 4 * 0.5 s together, on however many cores.
    """
    code = "import deepcoder_channel, time\ndeepcoder_channel.receive()\n"
    codes = [code + "while True: pass"] * 4 * (os.cpu_count() or 1) + [code + "time.sleep(60)"]
    limits = Limits(cpu_s=0.5, wall_s=1.0)
    ended: list[tuple[bool, RunResult]] = []
    async with AsyncExitStack() as stack:  # sessions inside one need no turn of their own
        sessions = [await stack.enter_async_context(box.session(each, limits)) for each in codes]

        async def run(session: Session) -> None:
            await session.send(b"go")
            with pytest.raises(SessionEnded) as end:
                await session.receive()
            ended.append((session is sessions[-1], end.value.result))

        await asyncio.gather(*map(run, sessions))
    assert {result.status for _, result in ended} == {Status.TIMEOUT}
    assert min(result.cpu_s for asleep, result in ended if not asleep) >= limits.cpu_s
    assert not ended[-1][0], "the sleeping program outlasted the last busy one"


async def test_a_program_that_never_reads_is_stopped(box: Sandbox) -> None:
    async with box.session("import time; time.sleep(60)", Limits(wall_s=0.5)) as session:
        with pytest.raises(SessionEnded) as ended:
            await session.send(b"x" * MAX_FRAME_BYTES)
    assert ended.value.result.status is Status.TIMEOUT


async def test_leaving_the_block_kills(box: Sandbox) -> None:
    async with box.session("while True: pass"):
        started = time.monotonic()
    assert time.monotonic() - started < 1


async def test_sessions_nest_without_waiting_for_each_other(box: Sandbox) -> None:
    async def pair() -> bytes:
        async with box.session(ECHO) as outer, box.session(ECHO) as inner:
            await outer.send(b"ab")
            await inner.send(await outer.receive())
            assert (await box.run("print(1)")).ok
            return await inner.receive()

    async with asyncio.timeout(30):
        assert await asyncio.gather(*(pair() for _ in range(4))) == [b"ab"] * 4


async def test_a_task_that_outlives_its_session_waits_like_any_other(box: Sandbox) -> None:
    async with box.session(ECHO):
        later = asyncio.create_task(asyncio.sleep(0.05, None))
        late = asyncio.create_task(_run_after(later, box))
    async with asyncio.timeout(30):
        assert await late


async def _run_after(earlier: asyncio.Task[None], box: Sandbox) -> bool:
    await earlier
    return (await box.run("print(1)")).ok


async def test_two_sessions_share_no_socket(box: Sandbox) -> None:
    code = "import os, deepcoder_channel as c\nc.send(str([n for n in range(256) if _open(n)]).encode())"
    check = "import os\ndef _open(n):\n  try: os.fstat(n); return True\n  except OSError: return False\n"
    async with box.session(ECHO), box.session(check + code) as inner:
        assert await inner.receive() == b"[0, 1, 2, 3]"
