"""Runs the command line with short pauses: a test that kills a process need not wait for long ones.

A lease is as long as the gateway's timeouts and a margin, and the resolver looks for an outcome after its end. The
checkout page's job looks at the payments of closed pages after a pause.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from application.common import lease
from bootstrap.cli.main import main
from domain import checkout

# Longer than the service needs to send a payment on a busy machine.
MARGIN_SECONDS = 1.0
FIRST_CHECK = timedelta(seconds=2)

if __name__ == "__main__":
    # Constants of the code, changed in this process alone.
    setattr(lease, "MARGIN_SECONDS", MARGIN_SECONDS)  # noqa: B010
    setattr(checkout, "_FIRST_CHECK", FIRST_CHECK)  # noqa: B010
    sys.exit(main())
