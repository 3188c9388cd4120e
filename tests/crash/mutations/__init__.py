"""The bugs of the mutants, one module for each kind."""
