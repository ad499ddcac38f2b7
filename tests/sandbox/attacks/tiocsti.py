# status: ok
# stdout: contained
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
ioctl = 16 if os.uname().machine == "x86_64" else 29
byte = ctypes.c_char(b"x")
for request in (0x5412, 0x5412 | 1 << 32, 0x5412 | 0xFFFF << 40, 0x541C):
    for handle in (0, 1, 2):
        result = libc.syscall(ioctl, handle, ctypes.c_ulong(request), ctypes.byref(byte))
        if result != -1:
            print("ESCAPED")
try:
    os.open("/dev/tty", os.O_RDWR)
    print("ESCAPED")
except OSError:
    print("contained")
