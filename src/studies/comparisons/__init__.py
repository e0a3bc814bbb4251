"""Comparisons of variants: what one declares, and the results that it comes to."""
