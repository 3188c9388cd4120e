"""The parts of the gateway in memory."""
