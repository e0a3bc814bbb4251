"""Replays: what a run's record says, how this tree and machine differ from it, and whether they come to the same."""
