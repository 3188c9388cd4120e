"""Use cases of disputes (chargebacks)."""
