"""What the commands for people share: a connection, times, words, tables, JSON, progress."""
