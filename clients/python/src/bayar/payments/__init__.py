"""The generated stubs, by version of the contract."""
