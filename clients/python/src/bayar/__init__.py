"""What callers of Bayar, the payment service, import."""
