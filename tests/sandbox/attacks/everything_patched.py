# status: error
# The end of a program must not depend on what it can patch.
import atexit
import builtins
import os
import signal
import sys
import threading
import traceback

for module in (os, signal, sys, threading, traceback, atexit):
    for name in list(vars(module)):
        if callable(getattr(module, name)) and not name.startswith("__"):
            setattr(module, name, lambda *a, **k: None)
builtins.isinstance = lambda *a: False
builtins.print = None
raise ValueError
