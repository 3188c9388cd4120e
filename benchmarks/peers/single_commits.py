"""The service in which each unit of work has a transaction of its own, as before units of work shared them."""

from __future__ import annotations

import sys

from adapters.persistence.sql import group_commit
from bootstrap.cli.main import main

if __name__ == "__main__":
    if not isinstance(group_commit._MAX_UNITS, int):
        raise TypeError("a group has no longer a maximum of units")
    group_commit._MAX_UNITS = 1  # type: ignore[misc]
    sys.exit(main())
