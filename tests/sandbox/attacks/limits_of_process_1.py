# status: ok
# stdout: contained
import resource

for pid in (1, 2):
    try:
        resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0))
        print("ESCAPED")
    except PermissionError:
        print("contained")
