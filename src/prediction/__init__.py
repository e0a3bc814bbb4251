"""Predicting new examples with a trained model: typed values, tables, arrays and pictures."""
