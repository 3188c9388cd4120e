"""Braintree: its SDK as the gateway, and what its codes mean."""
