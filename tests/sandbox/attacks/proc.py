# status: ok
# stdout: contained
import os

for path in ("/proc/1/environ", f"/proc/{os.getppid()}/environ", "/proc/self/fd", "/proc/1/mem", "/proc/2/mem", "/sys"):
    try:
        os.stat(path)
        print("ESCAPED", path)
    except FileNotFoundError:
        pass
print("contained")
