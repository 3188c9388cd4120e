"""The gateway adapter for Braintree: its SDK behind the gateway port, and the meaning of its codes."""
