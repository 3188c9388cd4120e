"""Use cases of stored payment methods."""
