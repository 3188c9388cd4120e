"""The steps that bring a database's schema up to date."""
