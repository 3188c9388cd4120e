"""The checkout page: shoppers pay on it, with card fields that belong to the gateway."""
