"""Non-blocking output to stdout and stderr: lines that find no room are counted and dropped.

A pipe that nobody reads blocks its writer; a full disk and a closed stream raise. Neither may affect a payment, so one
thread for each stream writes, from a bounded queue.
"""

import atexit
import logging
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_MOST_QUEUED_BYTES: Final = 4 * 1024 * 1024
_MOST_LINE_BYTES: Final = 64 * 1024
# The maximum of an atomic write to a pipe (PIPE_BUF): lines of several processes do not mix.
_PIECE_BYTES: Final = select.PIPE_BUF
_FLUSH_SECONDS: Final = 1.0
_ROOM_SECONDS: Final = 1.0


class LineWriter:
    """A queue of lines and the thread that writes them. Safe for many threads; `write` neither blocks nor raises."""

    def __init__(self, descriptor: int, most_bytes: int = _MOST_QUEUED_BYTES) -> None:
        self._descriptor = descriptor
        self._most_bytes = most_bytes
        # Reentrant: a finalizer that runs within `write` may log, too.
        self._changed = threading.Condition(threading.RLock())
        self._lines: deque[bytes] = deque()
        self._queued_bytes = 0
        self._is_writing = False
        self._thread: threading.Thread | None = None
        self._dropped = 0
        # Returns the line that reports this number of dropped lines.
        self.describe_dropped: Callable[[int], str] = _describe_dropped
        # The dropped lines that no line has reported yet.
        self._untold = 0

    @property
    def dropped(self) -> int:
        """The number of lines dropped since the start."""
        with self._changed:
            return self._dropped

    def write(self, text: str) -> None:
        line = text.encode("utf-8", "backslashreplace")[:_MOST_LINE_BYTES] + b"\n"
        with self._changed:
            if self._queued_bytes + len(line) > self._most_bytes or not self._has_thread():
                self._drop(1)
                return
            self._lines.append(line)
            self._queued_bytes += len(line)
            self._changed.notify_all()

    def flush(self, seconds: float = _FLUSH_SECONDS) -> bool:
        """Waits until everything is written, up to the limit. Returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._is_writing, seconds)

    def _has_thread(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name=f"lines to {self._descriptor}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The system has no thread left, or the interpreter is ending.
                return False
            self._thread = thread
            atexit.register(self.flush)
        return True

    def _drop(self, count: int) -> None:
        self._dropped += count
        self._untold += count

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                piece, count = self._next_piece()
                self._is_writing = True
            is_written = _written(self._descriptor, piece)
            with self._changed:
                if not is_written:
                    self._drop(count)
                elif self._untold and not self._lines:
                    self._tell_of_dropped()
                self._is_writing = False
                self._changed.notify_all()

    def _next_piece(self) -> tuple[bytes, int]:
        """As many whole lines as fit in one write, and their number."""
        lines = [self._lines.popleft()]
        size = len(lines[0])
        while self._lines and size + len(self._lines[0]) <= _PIECE_BYTES:
            lines.append(self._lines.popleft())
            size += len(lines[-1])
        self._queued_bytes -= size
        return b"".join(lines), len(lines)

    def _tell_of_dropped(self) -> None:
        line = self.describe_dropped(self._untold).encode("utf-8", "backslashreplace") + b"\n"
        self._untold = 0
        self._lines.append(line)
        self._queued_bytes += len(line)


def _describe_dropped(count: int) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')} WARNING {__name__} {count} lines were dropped"


def _written(descriptor: int, piece: bytes) -> bool:
    """Writes all of it, however long that takes. Returns False if it fails."""
    while piece:
        try:
            piece = piece[os.write(descriptor, piece) :]
        except BlockingIOError:
            # Another process on the same pipe has made it non-blocking.
            select.select([], [descriptor], [], _ROOM_SECONDS)
        except OSError:
            return False
    return True


class LineHandler(logging.Handler):
    """Passes each record to a writer as one line."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:
            # The standard handler would print the record with its arguments, whatever they are.
            line = self._in_place_of(record)
        self._writer.write(line)

    def _in_place_of(self, record: logging.LogRecord) -> str:
        text = f"a record of {record.name}, {record.filename}:{record.lineno}, cannot be formatted"
        return self.format(logging.LogRecord(__name__, logging.ERROR, "", 0, text, (), None))


STDOUT: Final = LineWriter(1)
STDERR: Final = LineWriter(2)


def say(text: str) -> None:
    """Writes for people, on stdout."""
    STDOUT.write(text)


def complain(text: str) -> None:
    """Writes for people, on stderr, after the log lines before it."""
    STDERR.write(f"bayar: {text}")


def open_standard_streams() -> None:
    """Opens the descriptors 0 to 2 if they are closed: the database's file must not become stderr.

    Call it before anything opens files.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 (open to the end)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
