"""How a command starts and ends: arguments, exit codes, signals, and the command line of stages."""
