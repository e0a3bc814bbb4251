"""Trackers: those who follow a run from its folder. They never change what a run computes."""
