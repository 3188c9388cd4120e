"""Bearer tokens (JWT) of an issuer that the operator trusts."""
