"""Protection against card testing: velocity limits and blocks."""
