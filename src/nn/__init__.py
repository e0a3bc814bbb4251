"""The network: dense layers, their activations, initializers, losses and dropout. NumPy and nothing else.

Dimensions, in every file of this room: `batch` examples, `fan_in` and `fan_out` units of the layers on either side of
a weight matrix, `classes` outputs. Arrays are written into buffers that are allocated once: `out=` everywhere.
"""
