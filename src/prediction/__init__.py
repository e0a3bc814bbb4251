"""Prediction: a model that was trained, and new examples as people have them: numbers, tables, arrays, pictures."""
