"""Studies: their declarations, plans, places and results."""
