# status: ok
# stdout: still here
import os
import signal

for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGSEGV):
    os.kill(1, number)
print("still here")
