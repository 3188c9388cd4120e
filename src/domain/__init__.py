"""The domain model of payments: value objects, state machine, and rules. Standard library only."""
