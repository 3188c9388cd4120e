"""Sockets, TLS and HTTP/1.1, and the faults that apply to connections."""
