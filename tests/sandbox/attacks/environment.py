# status: ok
# stdout: contained
import ctypes
import os

variables = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
seen = []
while variables and variables[len(seen)]:
    seen.append(variables[len(seen)])
everything = repr(dict(os.environ)) + repr(seen)
print("ESCAPED" if "canary" in everything else "contained")
