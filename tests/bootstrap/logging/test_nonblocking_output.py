"""Lines leave in order, and nobody who writes one ever waits or fails: not for a full pipe, disk or closed stream."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.logging.nonblocking_output import LineWriter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe()
    yield reads, writes
    for end in (reads, writes):
        try:
            os.close(end)
        except OSError:
            assert end == writes, "only a test closes it"


def _read(descriptor: int, until: bytes) -> bytes:
    told = b""
    while until not in told:
        told += os.read(descriptor, 65536)
    return told


def test_lines_leave_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    writer = LineWriter(writes)
    for number in range(1000):
        writer.write(f"line {number}")
    assert _read(reads, b"line 999\n") == b"".join(b"line %d\n" % number for number in range(1000))
    assert writer.flush(10)
    assert writer.dropped == 0


@pytest.mark.parametrize("is_blocking", [True, False], ids=["a blocking pipe", "a non-blocking one"])
def test_a_pipe_without_a_reader_delays_no_caller_and_the_loss_is_reported_once_it_flows(
    pipe: tuple[int, int], is_blocking: bool
) -> None:
    reads, writes = pipe
    os.set_blocking(writes, is_blocking)
    writer = LineWriter(writes, most_bytes=100_000)
    started = time.monotonic()
    for _ in range(1000):
        writer.write("x" * 999)
    assert time.monotonic() - started < 5
    assert not writer.flush(0.05)
    lost = writer.dropped
    assert 700 < lost < 1000
    told = _read(reads, b"lines were dropped\n")
    assert told.count(b"x" * 999 + b"\n") == 1000 - lost
    assert b" %d lines were dropped" % lost in told
    writer.write("goes on")
    assert _read(reads, b"goes on\n").endswith(b"goes on\n")


def test_a_reader_that_left_and_a_closed_descriptor_are_no_fault(pipe: tuple[int, int]) -> None:
    _, writes = pipe
    os.close(writes)
    writer = LineWriter(writes)
    writer.write("lost")
    assert writer.flush(10)
    assert writer.dropped == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_no_fault() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    writer = LineWriter(full)
    for _ in range(3):
        writer.write("lost")
    assert writer.flush(10)
    assert writer.dropped == 3
    os.close(full)


def test_the_last_lines_leave_before_the_process_ends_and_a_full_pipe_does_not_keep_it() -> None:
    code = "from bootstrap.logging.nonblocking_output import STDOUT\nfor n in range({}): STDOUT.write('x' * 99)"
    ended = subprocess.run([sys.executable, "-c", code.format(500)], capture_output=True, timeout=60, check=True)
    assert ended.stdout == (b"x" * 99 + b"\n") * 500
    reads, writes = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", code.format(5000)], stdout=writes)
    assert process.wait(30) == 0
    for end in (reads, writes):
        os.close(end)


def test_closed_streams_are_taken_before_a_file_can_take_their_numbers() -> None:
    code = (
        "import os, sys; from bootstrap.logging.nonblocking_output import open_standard_streams, say; "
        "open_standard_streams(); say('x');"
        "print('y'); sys.exit(0 if os.open('/dev/null', os.O_RDONLY) > 2 else 1)"
    )
    for closed in ("<&- >&- 2>&-", ">&-", "2>&-"):
        assert (
            subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], timeout=60).returncode
            == 0
        )
