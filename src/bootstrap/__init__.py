"""Assembles the service: settings, the container, the processes and the command line."""

import os

# Before anybody imports grpc: its core writes what peers send to stderr, past our log, credentials included.
os.environ["GRPC_VERBOSITY"] = "NONE"
os.environ.pop("GRPC_TRACE", None)
