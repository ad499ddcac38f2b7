# status: ok
# The clean run after each attack checks what this one tries to leave behind.
import builtins
import gc
import json
import os
import sys

json.dumps = builtins.open = os.listdir = None
sys.modules["math"] = None
sys.path.insert(0, "/tmp")
builtins.escaped = True
os.environ["ESCAPED"] = "1"
gc.collect()
open_file = os.open("/tmp/left", os.O_CREAT)
os.chdir("/")
os.umask(0o777)
