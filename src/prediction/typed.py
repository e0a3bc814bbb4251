"""Feature values as they are typed on a command line: `X1=0.1 X2=0.1`."""

from collections.abc import Sequence

import numpy as np

from src.foundation.errors import UserError, suggestion
from src.prediction.given import Given, number
from src.prediction.wanted import Wanted


def typed(values: Sequence[str], wanted: Wanted) -> Given:
    """The one example that `name=value` arguments make; `UserError` unless they give each feature once."""
    if wanted.features is None:
        raise UserError(f"{values[0]}: the values of this model have no names; it takes {wanted.words}")
    given: dict[str, float] = {}
    for argument in values:
        name, _, text = argument.partition("=")
        if name not in wanted.features:
            raise UserError(f"{argument}: no feature of this model; {suggestion(name, wanted.features)}")
        if name in given:
            raise UserError(f"{argument}: {name} is given twice; several examples fit into a .csv file")
        if (value := number(text)) is None:
            raise UserError(f"{argument}: not a number")
        given[name] = value
    if missing := [name for name in wanted.features if name not in given]:
        raise UserError(f"{' '.join(values)}: {', '.join(missing)} missing; this model takes {wanted.words}")
    row = [given[name] for name in wanted.features]
    return Given([" ".join(values)], np.array([row], np.float64))
