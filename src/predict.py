"""Predicts new examples with a model that was trained, from pictures, tables, arrays or typed values.

MODEL is a model file, a run's folder, or a run: its MLflow id, its fingerprint, or the beginning of either. The model
knows how its inputs are scaled and what its labels are called, so inputs are given raw, as the data's source has them.
"""

import argparse
from typing import TYPE_CHECKING

from src.cli.arguments import Arguments
from src.cli.command import run_command
from src.foundation.errors import UserError

if TYPE_CHECKING:
    from src.prediction.predictions import Prediction

_EPILOG = """\
inputs, as many as you like:
  digit.png      a picture of one digit (PNG, JPEG, BMP, GIF, WEBP, PPM), of any size, dark on light or light on
                 dark, drawn, printed or photographed, with some plain paper around it. The ink is told from the paper,
                 cropped, scaled and centred as MNIST's was. Several digits side by side are refused
  points.csv     a table: with a header the features are found by name, in any order, and other columns are left out of
                 account; without one there are as many columns as features, in their order
  points.npy     an array [n, features] or [features]; of images also [n, height, width] or [height, width], with raw
                 values, which for MNIST are 0 to 255, light on dark
  X1=0.1 X2=0.1  the values of one example, each feature once, where the model knows their names

examples:
  python -m src.predict models/model.npz digit.png          the model of the pipeline
  python -m src.predict 2f9c41 photos/*.jpg                 the model of a run, by the beginning of its id
  python -m src.predict 2f9c41 X1=0.1 X2=0.1                one new point
  python -m src.predict 2f9c41 points.csv --json            everything, for programs

exit codes: 0 done; 2 the input is wrong, and nothing was printed
"""


def _table(found: "list[Prediction]") -> str:
    from src.reporting.tables import plain_table

    rows = [
        [one.example, one.label, f"{one.probability:.2%}", one.runner_up, f"{one.probabilities[one.runner_up]:.2%}"]
        for one in found
    ]
    return plain_table(["input", "label", "probability", "runner-up", "probability"], rows, width=200)


def main() -> None:
    """The command."""
    parser = Arguments(
        prog="python -m src.predict",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="the model, see above")
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="what to predict, see below")
    parser.add_argument("--json", action="store_true", help="print a list with the probabilities of all labels")
    given = parser.parse_intermixed_args()
    if not given.model:
        raise UserError("which model, and what is to be predicted? `python -m src.predict models/model.npz digit.png`")
    from src.prediction.inputs import examples, is_value
    from src.prediction.opening import open_model

    if is_value(given.model):
        raise UserError(f"{given.model}: the model comes first: python -m src.predict MODEL {given.model} ...")
    model, wanted = open_model(given.model)
    if not given.inputs:
        raise UserError(f"what is to be predicted? {given.model} takes {wanted.words}")
    from src.prediction.predictions import predictions

    found = predictions(model, wanted, examples(given.inputs, wanted))
    if given.json:
        from src.foundation.files import json_text

        print(json_text([one.plain() for one in found]), end="")
    else:
        print(_table(found))


if __name__ == "__main__":
    run_command(main)
