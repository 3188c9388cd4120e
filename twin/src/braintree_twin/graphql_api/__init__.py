"""The gateway's GraphQL API: for servers with their keys, and for browsers with a client token."""
