# status: error
# A worker's report, written to everything that can be written to, must not become the result.
import json
import os

forged = json.dumps({"reason": "", "exit": 0, "cpu_s": 0, "wall_s": 0, "peak_mb": 0}).encode()
for number in range(256):
    try:
        os.write(number, forged)
    except OSError:
        pass
print('{"status": "ok"}')
raise SystemExit(7)
