"""Runs: what identifies one, where it is kept, and how it is made."""
