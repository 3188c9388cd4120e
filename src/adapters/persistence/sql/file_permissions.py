"""Creates files that only their owner can read (mode 0600), whatever the umask."""

import contextlib
import logging
import os
import stat
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)

_PRIVATE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path) -> None:
    """Creates an empty file unless one exists. A failure is reported by the code that opens the file."""
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE)
        os.fchmod(file, _PRIVATE)
        os.close(file)


def restrict_to_owner(*paths: Path) -> None:
    """Removes other users' permissions on the files, and logs it. A file of another owner stays unchanged."""
    for path in paths:
        try:
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and mode & _OTHERS:
                path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
                _log.warning("%s was open to other users (mode %o); now only its owner can read it", path, mode & 0o777)
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warning(
                "%s is open to other users, and its mode cannot be changed (%s): run chmod 600", path, error.strerror
            )
