# status: ok
# stdout: contained
import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
CALLS = {  # x86-64, arm64
    "socket": (41, 198),
    "ptrace": (101, 117),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "seccomp": (317, 277),
    "memfd_create": (319, 279),
    "execveat": (322, 281),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "mlock": (149, 228),
    "setuid": (105, 146),
    "capset": (126, 91),
    "personality": (135, 92),
    "sched_setaffinity": (203, 122),
    "splice": (275, 76),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "reboot": (169, 142),
    "clone3": (435, 435),
    "mount_setattr": (442, 442),
    "fsopen": (430, 430),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "landlock_create_ruleset": (444, 444),
    "unknown": (600, 600),
}
for name, numbers in CALLS.items():
    result = libc.syscall(numbers[0 if x86 else 1], 0, 0, 0, 0, 0, 0)
    if result != -1 or ctypes.get_errno() not in (1, 38):
        print("ESCAPED", name, result, ctypes.get_errno())
print("contained")
