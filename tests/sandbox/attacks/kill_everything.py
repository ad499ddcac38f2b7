# status: ok
# stdout: still here
import os
import signal

try:
    os.kill(-1, signal.SIGKILL)
except ProcessLookupError:  # nobody to be seen but process 1, which cannot be reached
    print("still here")
