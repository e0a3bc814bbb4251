"""A model's layers, and the probabilities that it gives to an example, as tables for a terminal."""

from collections.abc import Mapping, Sequence

from src.analysis.layers import Layer
from src.reporting.tables import plain_table


def layers_table(layers: Sequence[Layer]) -> str:
    """A row for each layer, and one for all."""
    rows = [
        [
            *(layer.name, f"{layer.inputs} x {layer.units}", str(layer.biases), layer.activation),
            *(f"{layer.dropout:g}", f"{layer.parameters:,}", f"{layer.bytes:,}"),
        ]
        for layer in layers
    ]
    sums = (f"{sum(layer.parameters for layer in layers):,}", f"{sum(layer.bytes for layer in layers):,}")
    head = ["layer", "weights", "biases", "activation", "dropout", "parameters", "bytes"]
    return plain_table(head, [*rows, ["all", "", "", "", "", *sums]])


def probabilities_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """A row for each label, and a column of its probabilities for each head."""
    labels = next(iter(columns.values()))
    rows = [[label, *(f"{column[label]:.2%}" for column in columns.values())] for label in labels]
    return plain_table(["label", *columns], rows)
