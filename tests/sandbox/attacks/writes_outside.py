# status: ok
# stdout: contained
import os

for folder, folders, files in os.walk("/"):
    if folder == "/tmp":
        folders.clear()
        continue
    if folder.count("/") > 5:
        folders.clear()
    for attempt in (
        lambda: open(folder + "/escaped", "w"),
        lambda: os.mkdir(folder + "/escaped.d"),
        lambda: os.symlink("/tmp", folder + "/escaped.l"),
        lambda: os.chmod(folder, 0o777),
    ):
        try:
            attempt()
            print("ESCAPED", folder)
        except OSError:
            pass
    for name in files[:3]:
        try:
            os.unlink(os.path.join(folder, name))
            print("ESCAPED", folder, name)
        except OSError:
            pass
print("contained")
