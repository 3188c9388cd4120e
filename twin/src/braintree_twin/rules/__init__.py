"""The gateway's validation rules and decisions, as tables."""
