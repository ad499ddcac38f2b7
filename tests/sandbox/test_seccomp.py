"""The filter, run as the kernel would run it, on both architectures."""

from __future__ import annotations

import struct

import pytest

from deepcoder.sandbox.inside import seccomp, syscalls

ALLOW, KILL = seccomp.ALLOW, seccomp.KILL_PROCESS
EPERM, EAGAIN, ENOTTY, ENOSYS = (0x50000 | code for code in (1, 11, 25, 38))
MACHINES = ["x86_64", "aarch64"]


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """What the filter returns for one call."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *(*arguments, *[0] * (6 - len(arguments))))
    accumulator, place = 0, 0
    while True:
        code, true, false, value = struct.unpack_from("=HBBI", program, place * 8)
        place += 1
        if code == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == seccomp.JUMP:
            place += value
        elif code == seccomp.RETURN:
            return value
        else:
            tests = {seccomp.EQUAL: accumulator == value, seccomp.AT_LEAST: accumulator >= value}
            place += true if tests.get(code, bool(accumulator & value)) else false


@pytest.mark.parametrize("machine", MACHINES)
def test_every_named_call_gets_its_answer_and_every_other_enosys(machine: str) -> None:
    program, arch, number = seccomp.build(machine), syscalls.AUDIT_ARCH[machine], syscalls.numbers(machine)
    refused = {number[name] for names in seccomp.REFUSED.values() for name in names.split() if name in number}
    allowed = {number[name] for name in seccomp.ALLOWED.split() if name in number}
    checked = {number[name] for name in ("clone", "ioctl", "socketpair", "sendto", "prlimit64", "prctl")}
    assert not refused & allowed
    for call in set(range(700)) - checked:
        expected = EPERM if call in refused else ALLOW if call in allowed else ENOSYS
        assert verdict(program, arch, call) == expected, call


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (17,), ALLOW),
        ("clone", (0x3D0F00,), ALLOW),  # a thread of glibc
        ("clone", (17 | 0x10000000,), EPERM),
        ("clone", (17 | 0x00020000,), EPERM),
        ("clone", (17 | 0x8000,), EPERM),
        ("clone", (1 << 40 | 17 | 0x20000000,), EPERM),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), ENOTTY),
        ("ioctl", (0, 1 << 32 | 0x5412), ENOTTY),
        ("ioctl", (0, 1 << 32 | 0x5401), ALLOW),  # the kernel takes the low 32 bits as well
        ("socketpair", (1, 1), ALLOW),
        ("socketpair", (2, 1), EPERM),
        ("sendto", (3, 1, 1, 0, 0), ALLOW),
        ("sendto", (3, 1, 1, 0, 0x7FFF), EPERM),
        ("sendto", (3, 1, 1, 0, 1 << 40), EPERM),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (1, 0), EPERM),
        ("prctl", (15,), ALLOW),
        ("prctl", (22,), EPERM),  # PR_SET_SECCOMP
        ("prctl", (4, 1), ALLOW),
        ("prctl", (4, 0), EPERM),  # hiding the memory map
        ("clone3", (), ENOSYS),
        ("socket", (1, 1), EPERM),
    ],
)
def test_calls_that_are_decided_by_their_arguments(
    machine: str, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    number = syscalls.numbers(machine).get(name, 435)
    assert verdict(seccomp.build(machine), syscalls.AUDIT_ARCH[machine], number, *arguments) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_another_architecture_kill(machine: str) -> None:
    program = seccomp.build(machine)
    for arch in (
        0x40000003,
        0x40000028,
        0xC00000F3,
        *set(syscalls.AUDIT_ARCH.values()) - {syscalls.AUDIT_ARCH[machine]},
    ):
        assert verdict(program, arch, 1) == KILL
    if machine == "x86_64":
        assert verdict(program, syscalls.AUDIT_ARCH[machine], 0x40000000 + 39) == KILL


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (17,), EAGAIN),
        ("clone", (0x3D0F00,), ALLOW),
        ("clone", (0x3D0F00 | 0x10000000,), EPERM),
        ("kill", (42, 9), ALLOW),
        ("kill", (43, 9), EPERM),
        ("kill", (0xFFFFFFFF, 9), EPERM),
        ("kill", (0, 9), EPERM),
        ("tgkill", (42, 42, 9), ALLOW),
        ("tgkill", (1, 1, 9), EPERM),
        ("tkill", (1, 9), EPERM),
    ],
)
def test_without_namespaces_a_program_is_one_process_that_reaches_itself_only(
    machine: str, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    program = seccomp.build(machine, single_process=42)
    assert verdict(program, syscalls.AUDIT_ARCH[machine], syscalls.numbers(machine)[name], *arguments) == expected


def test_an_unknown_architecture_has_no_filter() -> None:
    with pytest.raises(KeyError):
        seccomp.build("riscv64")
