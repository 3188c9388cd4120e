"""The use cases of Bayar, one a file, and the ports they need."""
