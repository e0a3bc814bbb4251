"""The training loop, a generator of epoch records, and its parts. No files except checkpoints, no trackers."""
