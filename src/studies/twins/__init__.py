"""Twins: an experiment trained by this project and, in step with it, by a library."""
