"""One module for each command, named like it: it adds its arguments, and runs."""
