"""Sockets, TLS and HTTP/1.1: bytes in, requests out, and the faults that happen to them on the way."""
