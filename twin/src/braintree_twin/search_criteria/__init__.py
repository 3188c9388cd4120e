"""The criteria of each advanced search, one module for each kind of record."""
