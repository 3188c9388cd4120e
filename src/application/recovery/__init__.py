"""Recovery after lost answers and restores: resolvers, reconciliation and the service hold."""
