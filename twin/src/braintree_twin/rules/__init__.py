"""What the gateway checks and decides, as tables."""
