# status: ok
# stdout: contained
import os

for folder in ("/", "/tmp", "/dev", "/etc", "/usr/lib", os.path.dirname(os.__file__)):
    if not os.statvfs(folder).f_flag & os.ST_NOSUID:
        print("ESCAPED", folder)
for become in (os.setuid, os.setgid):
    try:
        become(0)
        print("ESCAPED")
    except PermissionError:
        print("contained")
