"""Code that runs in a worker and in its boxes: the standard library alone, no `deepcoder` import.

A worker is started as `python -S -s -P` with this folder's parent on its path for a moment, so these
modules are package `inside` there and `deepcoder.sandbox.inside` here; they import each other
relatively only.

    boot        a worker's own isolation       linux     system calls through ctypes
    filesystem  its read-only root             syscalls  their numbers
    zygote      its loop: a box a request      seccomp   the filter, and its reasons
    keeper      one box: limits, end, report   request   what the host asks
    program     the untrusted process          identity  who a program is
    cold        a run without a worker         landlock  file rules of the weaker tier
"""
