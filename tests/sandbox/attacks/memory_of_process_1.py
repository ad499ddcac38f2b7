# status: ok
# stdout: contained
import ctypes

libc = ctypes.CDLL(None, use_errno=True)


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


buffer = ctypes.create_string_buffer(64)
local, remote = Vector(ctypes.addressof(buffer), 64), Vector(id(libc), 64)
for function in (libc.process_vm_readv, libc.process_vm_writev):
    done = function(1, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
    print("contained" if done == -1 and ctypes.get_errno() == 1 else "ESCAPED")
