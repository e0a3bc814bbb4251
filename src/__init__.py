"""A tracked experiment pipeline around a multi-layer perceptron written in NumPy.

The listing of this folder is the pipeline: `check`, `fetch`, `split`, `normalize`, `train` and `evaluate` are its
stages, in that order; the folders are the rooms that they are built from. `docs/architecture.md` is the map.
"""
