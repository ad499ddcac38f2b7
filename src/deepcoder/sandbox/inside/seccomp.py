"""Which system calls a program may make: an allow-list, compiled to a seccomp BPF filter.

Three answers: ALLOW; EPERM for calls that are refused for a reason below; ENOSYS for every other
call, so that libraries fall back (glibc asks clone3 first, then clone, whose flags can be read). A
call of another architecture (int 0x80, x32, 32-bit arm) kills the process.
"""

from __future__ import annotations

import platform
import struct

from . import syscalls

ALLOWED = """
    read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
    rt_sigreturn pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 access pipe pipe2 select pselect6
    ppoll sched_yield mremap msync mincore madvise dup dup2 dup3 pause nanosleep getitimer alarm setitimer getpid
    sendfile recvfrom shutdown getsockname getpeername getsockopt fork vfork execve exit exit_group wait4 waitid
    kill tkill tgkill uname fcntl flock fsync fdatasync truncate ftruncate fallocate getdents getdents64 getcwd
    chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir creat link linkat unlink unlinkat symlink symlinkat
    readlink readlinkat chmod fchmod fchmodat fchmodat2 umask gettimeofday getrlimit setrlimit getrusage sysinfo
    times time getuid getgid geteuid getegid getresuid getresgid getgroups setpgid getpgid getppid getpgrp getsid
    setsid rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack utime utimes utimensat statfs fstatfs statx
    newfstatat openat faccessat faccessat2 getpriority arch_prctl gettid getxattr lgetxattr fgetxattr listxattr
    llistxattr flistxattr futex futex_waitv sched_getaffinity sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval epoll_create epoll_create1 epoll_ctl
    epoll_wait epoll_pwait epoll_pwait2 set_tid_address set_robust_list restart_syscall fadvise64 clock_gettime
    clock_getres clock_nanosleep timerfd_create timerfd_settime timerfd_gettime eventfd eventfd2 getrandom rseq
    membarrier close_range pidfd_open getcpu
"""

REFUSED = {
    "no network, and no unix socket with a name (socketpair stays, for asyncio)": """
        socket connect bind listen accept accept4 setsockopt sendmsg recvmsg sendmmsg recvmmsg""",
    "no reach into another process: its memory, descriptors, signals with forged senders": """
        ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd pidfd_send_signal kcmp
        rt_sigqueueinfo rt_tgsigqueueinfo get_robust_list""",
    "no new namespaces, mounts or roots": """
        unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
        open_by_handle_at name_to_handle_at mknod mknodat chown fchown lchown fchownat setxattr lsetxattr fsetxattr
        removexattr""",
    "rings run system calls past this filter": """
        io_uring_setup io_uring_enter io_uring_register io_setup io_submit io_destroy io_getevents io_cancel""",
    "kernel surface with a history of escapes": """
        bpf perf_event_open userfaultfd keyctl add_key request_key seccomp landlock_create_ruleset landlock_add_rule
        landlock_restrict_self fanotify_init inotify_init inotify_init1 splice tee vmsplice copy_file_range""",
    "memory that no address-space limit and no resident size shows": """
        memfd_create memfd_secret shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
        mq_open mq_unlink mlock mlock2 mlockall munlock munlockall mbind set_mempolicy migrate_pages move_pages
        remap_file_pages""",
    "no code from a descriptor": "execveat",
    "identity, scheduling and personality stay as given": """
        setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset capget personality
        sched_setscheduler sched_setparam sched_setattr sched_setaffinity setpriority ioprio_set""",
    "the machine is not the program's": """
        kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff syslog acct quotactl
        settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname iopl ioperm modify_ldt
        lookup_dcookie vhangup""",
}

EPERM, EAGAIN, ENOTTY, ENOSYS = 1, 11, 25, 38
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
CLONE_THREAD = 0x10000
# every namespace flag, and CLONE_PTRACE, CLONE_PARENT, CLONE_UNTRACED
CLONE_REFUSED = 0x7E020000 | 0x00002000 | 0x00008000 | 0x00800000
# TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Compared as 32 bits, as the kernel does:
# TIOCSTI with high bits set is TIOCSTI.
IOCTL_ALLOWED = (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# PR_SET/GET_PDEATHSIG, GET_DUMPABLE, SET/GET_NAME, GET_SECCOMP, CAPBSET_READ, SET_TIMERSLACK, GET_NO_NEW_PRIVS, SET_VMA
PRCTL_ALLOWED = (1, 2, 3, 15, 16, 21, 23, 29, 39, 0x53564D41)
PR_SET_DUMPABLE = 4

LOAD, JUMP, EQUAL, AT_LEAST, BITS, RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06

Instruction = tuple[int, int, int, int]


def build(machine: str | None = None, *, single_process: int | None = None) -> bytes:
    """The filter as machine code for seccomp(2).

    `single_process`: the program's process id in the tier without namespaces; it may then start threads
    but no process, and send signals only to itself.
    """
    machine = machine or platform.machine()
    number = syscalls.numbers(machine)
    answers: dict[int, list[Instruction]] = {}
    for names in REFUSED.values():
        answers.update({number[name]: _answer(EPERM) for name in names.split() if name in number})
    answers.update({number[name]: [_ret(ALLOW)] for name in ALLOWED.split() if name in number})
    checks = _checks()
    if single_process is not None:
        checks |= _single_process(single_process)
    answers.update({number[name]: code for name, code in checks.items() if name in number})

    program: list[Instruction] = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, syscalls.AUDIT_ARCH[machine]), _ret(KILL_PROCESS)]
    program.append((LOAD, 0, 0, 0))
    if machine == "x86_64":
        program += [(AT_LEAST, 0, 1, 0x40000000), _ret(KILL_PROCESS)]  # x32
    program += _search(_ranges(answers))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _ret(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _answer(error: int) -> list[Instruction]:
    return [_ret(0x00050000 | error)]


def _argument(index: int, *, high: bool = False) -> Instruction:
    return (LOAD, 0, 0, 16 + 8 * index + (4 if high else 0))  # both architectures are little-endian


def _one_of(index: int, values: tuple[int, ...], error: int) -> list[Instruction]:
    """ALLOW where the low 32 bits of an argument are one of `values`."""
    code = [_argument(index)]
    code += [(EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return code + _answer(error) + [_ret(ALLOW)]


def _checks() -> dict[str, list[Instruction]]:
    """Calls that are decided by their arguments."""
    # hiding its memory map from the keeper (dumpable 0) is refused
    dumpable = [
        _argument(0),
        (EQUAL, 0, 4, PR_SET_DUMPABLE),
        _argument(1),
        (EQUAL, 0, 1, 1),
        _ret(ALLOW),
        *_answer(EPERM),
    ]
    return {
        "clone": [_argument(0), (BITS, 0, 1, CLONE_REFUSED), *_answer(EPERM), _ret(ALLOW)],
        "ioctl": _one_of(1, IOCTL_ALLOWED, ENOTTY),
        "socketpair": _one_of(0, (1,), EPERM),
        # an address would reach a named socket: only NULL
        "sendto": [
            _argument(4),
            (EQUAL, 0, 2, 0),
            _argument(4, high=True),
            (EQUAL, 1, 0, 0),
            *_answer(EPERM),
            _ret(ALLOW),
        ],
        # another process's limits would be a way to kill the keeper
        "prlimit64": _one_of(0, (0,), EPERM),
        "prctl": [*dumpable, *_one_of(0, PRCTL_ALLOWED, EPERM)],
    }


def _single_process(pid: int) -> dict[str, list[Instruction]]:
    clone = [_argument(0), (BITS, 0, 1, CLONE_REFUSED), *_answer(EPERM)]
    clone += [(BITS, 0, 1, CLONE_THREAD), _ret(ALLOW), *_answer(EAGAIN)]
    own = _one_of(0, (pid,), EPERM)
    return {
        "clone": clone,
        "fork": _answer(EAGAIN),
        "vfork": _answer(EAGAIN),
        "kill": own,
        "tgkill": own,
        "tkill": _answer(EPERM),
    }


Range = tuple[int, list[Instruction]]  # first call number, what to do from there on


def _ranges(answers: dict[int, list[Instruction]]) -> list[Range]:
    """Neighbouring numbers with the same answer become one range; gaps and the end are ENOSYS."""
    ranges: list[Range] = []
    unknown = _answer(ENOSYS)
    for number in range(max(answers) + 2):
        code = answers.get(number, unknown)
        if not ranges or ranges[-1][1] != code:
            ranges.append((number, code))
    return ranges


def _search(ranges: list[Range]) -> list[Instruction]:
    """A binary search over the ranges; the call number is in the accumulator."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    left, right = _search(ranges[:middle]), _search(ranges[middle:])
    return [(AT_LEAST, 0, 1, ranges[middle][0]), (JUMP, 0, 0, len(left)), *left, *right]
