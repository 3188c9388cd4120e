"""Runs a command on a disk that flushes slowly, and counts the flushes.

python -m benchmarks.peers.slow_disk CONTROL_FILE COMMAND...

The control file holds the additional seconds of a flush (a double, written by others) and the number of flushes (a
64-bit integer, written here). The command and its children need no change: a filter of Linux's seccomp stops fsync and
fdatasync in whichever process calls them, and lets them go on once the time is over. It needs no compiler, no preloaded
library and no privilege.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import platform
import signal
import socket
import struct
import sys
import threading
import time
from itertools import count
from typing import Final, NoReturn

# The control file: the additional seconds of a flush, and the flushes until now.
CONTROL: Final = struct.Struct("=dQ")

# How many flushes can wait at once. Each has the whole of the delay, as on a disk with a queue.
_PARALLEL: Final = 16
# The numbers of seccomp, fsync and fdatasync.
_SYSTEM_CALLS: Final = {"x86_64": (317, 74, 75), "aarch64": (277, 82, 83)}
_NO_NEW_PRIVILEGES: Final = 38
_SET_MODE_FILTER: Final = 1
_NEW_LISTENER: Final = 1 << 3
_NOTIFY: Final = 0x7FC00000
_ALLOW: Final = 0x7FFF0000
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_RECEIVE: Final = 0xC0502100
_SEND: Final = 0xC0182101
_NOTIFICATION_BYTES: Final = 80
# The identifier, the value, the error, and the flag that lets the system call go on.
_GO_ON: Final = struct.Struct("=QqiI")
_CONTINUE: Final = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def install_filter() -> int:
    """Stop this process's flushes, and those of its future children. Returns the descriptor that announces them.

    Raises OSError where the system does not have it, and NotImplementedError on another processor.
    """
    if platform.machine() not in _SYSTEM_CALLS:
        raise NotImplementedError(f"no numbers of system calls for {platform.machine()}")
    seccomp, *flushes = _SYSTEM_CALLS[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 0),
        *((_JUMP_IF_EQUAL, len(flushes) - index, 0, number) for index, number in enumerate(flushes)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NOTIFY),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener = system.syscall(seccomp, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
    return int(listener)


class _Disk:
    def __init__(self, listener: int, control_file: str) -> None:
        self._listener = listener
        with open(control_file, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), CONTROL.size)
        self._flushes = count(1)
        self._lock = threading.Lock()

    def serve(self) -> None:
        while True:
            notification = bytearray(_NOTIFICATION_BYTES)
            try:
                fcntl.ioctl(self._listener, _RECEIVE, notification)
            except OSError:
                # The process that flushed is gone, or a signal came first.
                continue
            self._flush(notification)

    def _flush(self, notification: bytearray) -> None:
        (identifier,) = struct.unpack_from("=Q", notification)
        with self._lock:
            seconds, _ = CONTROL.unpack_from(self._control)
            struct.pack_into("=Q", self._control, 8, next(self._flushes))
        if seconds > 0:
            time.sleep(seconds)
        try:
            fcntl.ioctl(self._listener, _SEND, bytearray(_GO_ON.pack(identifier, 0, 0, _CONTINUE)))
        except OSError:
            # The process is gone.
            return


def _become(command: list[str], parent: socket.socket) -> NoReturn:
    try:
        listener = install_filter()
        socket.send_fds(parent, [b"+"], [listener])
        os.close(listener)
        os.execvp(command[0], command)
    except BaseException as failure:
        print(f"slow_disk: {failure}", file=sys.stderr, flush=True)
    os._exit(127)


def main() -> int:
    control_file, *command = sys.argv[1:]
    ours, childs = socket.socketpair()
    child = os.fork()
    if not child:
        _become(command, childs)
    childs.close()
    # The disk outlives the command: a flush that nobody lets go on would fail.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    _, listeners, _, _ = socket.recv_fds(ours, 1, 1)
    for listener in listeners:
        disk = _Disk(listener, control_file)
        for _ in range(_PARALLEL):
            threading.Thread(target=disk.serve, daemon=True).start()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
