"""python -m tests.deploy.confined FILTERS PROGRAM...: becomes the program under filters of system calls.

As systemd does it with SystemCallFilter=, MemoryDenyWriteExecute= and NoNewPrivileges=. FILTERS are separated by
spaces; one that begins with ~ takes calls away.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from typing import Final

import pyseccomp

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_MDWE: Final = 65
_PR_MDWE_REFUSE_EXEC_GAIN: Final = 1


def calls_of(group: str) -> set[str]:
    """The system calls in a group of systemd, such as @system-service."""
    told = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    found: set[str] = set()
    for line in map(str.strip, told.stdout.splitlines()[1:]):
        if line.startswith("@"):
            found |= calls_of(line)
        elif line and not line.startswith("#"):
            found.add(line)
    return found


def allowed(filters: list[str]) -> set[str]:
    # systemd always adds these.
    found = calls_of("@default") | {"execve"}
    for one in filters:
        if one.startswith("~"):
            found -= calls_of(one[1:])
        else:
            found |= calls_of(one)
    return found


def confine(filters: list[str]) -> None:
    table = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in sorted(allowed(filters)):
        # Some are of other processors.
        if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) >= 0:
            table.add_rule(pyseccomp.ALLOW, name)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
        sys.stderr.write("this kernel is older than 6.3: memory that is written may be executed\n")
    table.load()


if __name__ == "__main__":
    confine(sys.argv[1].split())
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 (a shell would be one more program)
