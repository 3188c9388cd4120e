"""The side that tests talk to: faults, the clock, the batch, the ledger."""
