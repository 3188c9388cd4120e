"""Process hardening: no core dumps, and private files only."""

import ctypes
import logging
import os
import resource
import sys
from typing import Final

_log = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4


def keep_files_private() -> None:
    """Files that this process and its children create from now on are private to their user."""
    os.umask(0o077)


def leave_no_core_dumps() -> None:
    """A core dump would hold card numbers. The resource limit stops those that the kernel writes itself. A dump that
    the kernel pipes to a collector needs the process to be marked undumpable, which only Linux can do.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        _log.warning("core dumps could not be switched off: %s", ctypes.get_errno())
