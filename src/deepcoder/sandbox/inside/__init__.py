"""Code that runs inside the isolated interpreter: the standard library alone, no `deepcoder` import.

The worker is started as `python -S -s -P` with this folder's parent on its path, so these modules
are top-level package `inside` there and `deepcoder.sandbox.inside` here; they import each other
relatively only.

    linux     system calls through ctypes        filesystem  the read-only root of a worker
    syscalls  their numbers                      zygote      the worker: clones one box a run
    seccomp   the filter and its reasons         keeper      process 1 of a box: limits, accounting, killing
    landlock  the weaker tier's file rules       program     runs the untrusted program
"""
