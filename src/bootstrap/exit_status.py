"""The exit statuses of the `bayar` command and of its processes."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
# Wrong usage, or wrong settings.
USAGE: Final = 2
# Nothing is wrong, but migrations are missing: the answer of `bayar migrate --check`.
PENDING: Final = 3
# By Ctrl-C, as a shell reports it.
INTERRUPTED: Final = 130
