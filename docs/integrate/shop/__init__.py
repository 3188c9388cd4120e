"""An example of a shop that is paid through Bayar, by its public client alone."""
