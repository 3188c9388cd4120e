"""One module for each command, with the command's name. It declares the arguments and runs the command."""
