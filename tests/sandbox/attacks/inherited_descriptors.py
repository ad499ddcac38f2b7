# status: ok
# stdout: contained
import os

open_ones = []
for number in range(4096):
    try:
        os.fstat(number)
        open_ones.append(number)
    except OSError:
        pass
print("contained" if open_ones == [0, 1, 2] else f"ESCAPED {open_ones}")
