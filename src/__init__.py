"""A tracked experiment pipeline around a multi-layer perceptron written in NumPy.

Each file in this folder is a command. The stages of the pipeline are `code`, `check`, `fetch`, `split`, `normalize`,
`train`, `evaluate`, `ablation` and `report`. Each folder is a room that they use. `docs/architecture.md` is the map.
"""
