"""Access control: API keys, tokens and client certificates."""
