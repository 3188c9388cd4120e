"""npm's braintree-web, unmodified, in a real Chromium against the twin."""
