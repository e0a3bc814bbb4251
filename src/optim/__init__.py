"""Optimizers and learning-rate schedules: data classes whose fields are the keys that users type. NumPy only."""
