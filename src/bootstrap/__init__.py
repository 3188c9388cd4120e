"""Puts the service together: settings, the container, and the command line."""
