"""A shop on django-payments with its Braintree form, set up as its documentation says."""
