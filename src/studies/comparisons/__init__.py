"""Comparisons of variants: their declaration and their results."""
