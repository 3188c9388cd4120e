"""The twin's state: records, and the SQLite file that stores them."""
