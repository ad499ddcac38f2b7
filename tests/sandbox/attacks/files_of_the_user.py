# status: ok
# stdout: contained
import os

for path in ("/root/.ssh", "/home", "/etc/shadow", "/etc/hosts", "/var", "/run", os.path.expanduser("~/.ssh")):
    if os.path.lexists(path):
        print("ESCAPED", path)
for folder, folders, files in os.walk("/"):
    if folder.startswith("/usr/lib"):
        folders.clear()
    if any("canary" in name for name in files + folders):
        print("ESCAPED", folder)
print("contained")
