"""The control API under /_twin/, for tests: faults, the clock, the settlement batch, the ledger."""
