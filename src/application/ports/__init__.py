"""The ports: protocols for what the use cases need from outside."""
