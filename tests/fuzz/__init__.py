"""Fuzzing in one process, guided by what the code does with each input."""
