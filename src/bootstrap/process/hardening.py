"""Process hardening: no core dumps, and private files only."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import sys
from typing import Final

_log = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4


def keep_files_private() -> None:
    """What this process and those that it starts make from now on is only their user's."""
    os.umask(0o077)


def leave_no_core_dumps() -> None:
    """A core would hold card numbers. The limit stops those that the kernel writes itself; those that it pipes to a
    collector need the process to be marked, which Linux alone knows.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        _log.warning("core dumps could not be switched off: %s", ctypes.get_errno())
