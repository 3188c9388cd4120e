"""The vault: payment instruments, nonces, cards, verifications."""
