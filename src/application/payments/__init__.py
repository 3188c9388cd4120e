"""Use cases of payments: create, capture, void, refund, read and sync."""
