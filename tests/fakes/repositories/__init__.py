"""The repositories of the store in memory, one module each, as in the persistence adapter."""
