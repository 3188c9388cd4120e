"""Puts the service together: settings, the container, and the command line."""

import os

# What peers say goes into the log of the gRPC core as it is, beside ours. Before anybody imports grpc.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
