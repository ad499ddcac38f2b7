# status: ok
import sys

sys.exit(0)
