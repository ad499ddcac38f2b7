# status: memory
import os
import time

for _ in range(5):
    if os.fork() == 0:
        block = bytearray(70 << 20)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(60)
time.sleep(60)
