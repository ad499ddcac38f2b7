# status: ok
# stdout: contained
import os

for name, target in (("stdout", "/etc/shadow"), ("result.json", "/root/.bashrc"), ("main.py", "/etc/passwd")):
    os.symlink(target, f"/tmp/{name}")
for source in ("/etc/passwd", "/dev/null"):
    try:
        os.link(source, "/tmp/linked")
        print("ESCAPED")
    except OSError:
        print("contained")
