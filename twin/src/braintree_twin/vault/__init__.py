"""Instruments: what a transaction can be paid with, and what the vault keeps of it."""
