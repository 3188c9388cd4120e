"""What Bayar is measured against."""
