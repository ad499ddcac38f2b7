# status: output_limit
import os

for _ in range(50):
    os.write(2, b"x" * (1 << 20))
