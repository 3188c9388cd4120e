"""Client certificates, and whom each stands for."""
