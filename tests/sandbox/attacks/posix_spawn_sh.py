# status: error
# stderr: FileNotFoundError
import os

os.posix_spawn("/bin/sh", ["/bin/sh", "-c", "echo ESCAPED"], {})
