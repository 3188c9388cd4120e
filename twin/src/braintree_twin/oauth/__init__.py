"""OAuth: grants of merchants to the application of another, access tokens, and shared payment methods."""
