# status: ok
# stdout: contained
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
try:
    os.memfd_create("evil")
    print("ESCAPED")
except OSError:
    print("contained")
handle = os.open("/tmp/script", os.O_CREAT | os.O_RDWR, 0o777)
os.write(handle, b"#!/bin/sh\necho ESCAPED\n")
execveat = 322 if os.uname().machine == "x86_64" else 281
print("contained" if libc.syscall(execveat, handle, b"", None, None, 0x1000) == -1 else "ESCAPED")
