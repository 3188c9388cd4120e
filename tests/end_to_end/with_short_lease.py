"""Runs the command line with a short margin in its leases: a test that kills a process need not wait for long ones.

A lease is as long as the gateway's timeouts and the margin. The resolver looks for an outcome after its end.
"""

from __future__ import annotations

import sys

from application.common import lease
from bootstrap.cli.main import main

# Longer than the service needs to send a payment on a busy machine.
MARGIN_SECONDS = 1.0

if __name__ == "__main__":
    setattr(lease, "MARGIN_SECONDS", MARGIN_SECONDS)  # noqa: B010 (a constant, in this process alone)
    sys.exit(main())
