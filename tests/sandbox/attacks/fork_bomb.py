# status: timeout
import posix

while True:
    try:
        posix.fork()
    except OSError:
        pass
