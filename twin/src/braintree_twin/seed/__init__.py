"""The seed: a TOML file that says which merchants there are, and what they start with."""
