"""Optimizers and learning-rate schedules: data classes whose fields are configuration keys. Uses NumPy only."""
