# status: ok
# stdout: contained
import os

print("contained" if sorted(os.listdir("/dev")) == ["full", "null", "random", "shm", "urandom", "zero"] else "ESCAPED")
for make in (lambda: os.mknod("/tmp/sda", 0o60666, os.makedev(8, 0)), lambda: os.mkfifo("/dev/fifo")):
    try:
        make()
        print("ESCAPED")
    except OSError:
        pass
