"""Shared by the commands for people: the connection, times, formatting, tables, JSON, progress."""
