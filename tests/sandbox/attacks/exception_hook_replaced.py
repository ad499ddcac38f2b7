# status: error
import sys


def hook(*arguments):
    raise SystemExit(0)


sys.excepthook = hook
raise ValueError
