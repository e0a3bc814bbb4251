"""The network: dense layers with activations, initializers, losses and dropout. Uses NumPy only.

Dimensions, in every file of this room: `batch` examples; `fan_in` inputs and `fan_out` outputs of a weight matrix;
`classes` output classes. Buffers are allocated once, so functions write into `out`.
"""
