"""Data: a recipe turns the raw files of a source into verified arrays for training."""
