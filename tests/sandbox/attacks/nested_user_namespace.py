# status: ok
# stdout: contained
import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
clone = 56 if platform.machine() == "x86_64" else 220
for flags in (0x10000000, 0x00020000, 0x20000000, 0x40000000):
    print("contained" if libc.unshare(flags) == -1 else "ESCAPED")
    print("contained" if libc.syscall(clone, flags | 17, 0, 0, 0, 0) == -1 else "ESCAPED")
print("contained" if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == -1 else "ESCAPED")
