"""How a command starts and ends: its arguments, its exit code, and the stages' command line."""
