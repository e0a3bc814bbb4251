"""Studies: what one declares, the runs that it is made of, and what they came to."""
