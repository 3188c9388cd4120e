"""The seed: a TOML file of merchants and the records that they start with."""
