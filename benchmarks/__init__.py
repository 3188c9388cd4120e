"""How fast Bayar is, beside what else does the same job on the same machine in the same minute."""
