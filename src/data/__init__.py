"""Data: from a source's raw files, by a recipe, to the verified arrays that networks are trained on."""
