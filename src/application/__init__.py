"""What can be asked of Bayar: one use case a file, and the ports it needs."""
