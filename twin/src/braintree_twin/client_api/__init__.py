"""The client API: browsers and apps call it with a client token or a tokenization key, not with the merchant's keys."""
