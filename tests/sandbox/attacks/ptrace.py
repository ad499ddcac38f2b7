# status: ok
# stdout: contained
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for request, pid in ((0, 0), (16, 1), (0x4206, 1)):
    print("contained" if libc.ptrace(request, pid, 0, 0) == -1 and ctypes.get_errno() == 1 else "ESCAPED")
