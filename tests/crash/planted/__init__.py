"""Bugs to be planted in the service, by what they break."""
