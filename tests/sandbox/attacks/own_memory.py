# status: ok
# stdout: contained
# The first pages of the stack have the environment and the arguments that the worker was started with.
import ctypes

end = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__libc_stack_end").value
print("ESCAPED" if b"canary" in ctypes.string_at(end, 1024) else "contained")
