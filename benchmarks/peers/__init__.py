"""The peers that Bayar is measured against."""
