"""An offline twin of Braintree's gateway."""
