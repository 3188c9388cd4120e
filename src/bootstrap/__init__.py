"""Assembles the service: settings, the container, the processes and the command line."""

import os

# Set before any import of grpc: its core writes peers' data to stderr, credentials included, bypassing the log.
os.environ["GRPC_VERBOSITY"] = "NONE"
os.environ.pop("GRPC_TRACE", None)
