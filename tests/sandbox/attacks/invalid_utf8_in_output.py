# status: ok
# stdout: after
import os

os.write(1, b"\xff\xfe\x00 after\n")
os.write(2, b"\xc3(")
