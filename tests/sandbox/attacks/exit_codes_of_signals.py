# status: error
# 137, 139, 152: what a shell makes of SIGKILL, SIGSEGV, SIGXCPU, and what must not be taken for them.
import os

os._exit(137)
