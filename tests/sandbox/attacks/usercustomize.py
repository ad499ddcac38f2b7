# status: ok
import os
import sys

version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
for folder in ("/tmp", f"/tmp/.local/lib/{version}/site-packages"):
    os.makedirs(folder, exist_ok=True)
    for name in ("usercustomize.py", "sitecustomize.py", "evil.pth", "json.py"):
        with open(f"{folder}/{name}", "w") as file:
            file.write("print('ESCAPED')\n")
