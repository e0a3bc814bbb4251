"""Predicts new examples with a trained model, from pictures, tables, arrays or typed values.

MODEL is a model file, a run folder, an MLflow run id, a fingerprint, or a unique prefix of either. The model
stores its labels and how its inputs were scaled, so give raw inputs, as the data's source has them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from src.cli.command import Arguments, run_command
from src.foundation.errors import UserError

if TYPE_CHECKING:
    from src.prediction.predictions import Prediction

_EPILOG = """\
inputs, any number of them:
  digit.png      a picture of one digit (PNG, JPEG, BMP, GIF, WEBP, PPM), of any size, dark on light or light on
                 dark, drawn, printed or photographed, with some plain paper around it. The ink is separated from the
                 paper, cropped, scaled and centred as in MNIST. Several digits side by side, dark lines and frames
                 around the digit are rejected
  points.csv     a table of cells between commas, semicolons, tabs, bars or blanks (CSV, TSV, TXT). With a header,
                 features are found by name, in any order, pixels by their numbers, and other columns are ignored;
                 without one, the columns are the features in their order, for images also after or before a label
  points.npy     an array [n, features] or [features]; for images also [n, height, width] or [height, width], with or
                 without an axis for one channel. Values are raw: for MNIST 0 to 255, light on dark
  t10k-images-idx3-ubyte    images in an IDX file, plain or gzipped
  X1=0.1 X2=0.1  the values of one example, each feature once, if the model knows their names
  new.csv        of a model of your own table, whichever kind of file: its columns by name, in any order

examples:
  python -m src.predict models/model.npz digit.png          the model of the pipeline
  python -m src.predict 2f9c41 photos/*.jpg                 the model of a run, by a prefix of its id
  python -m src.predict 2f9c41 X1=0.1 X2=0.1                one new point
  python -m src.predict 2f9c41 points.csv --json            as JSON, for programs

Inputs that are unlike the training data, but would be like them if they were inverted or scaled otherwise, are
rejected; --as-is predicts them all the same. Others that are unlike the training data get a warning.

exit codes: 0 done; 2 the input is wrong, and nothing is predicted
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
    parser = Arguments("predict", __doc__, _EPILOG)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="see above")
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="see below")
    parser.add_argument("--json", action="store_true", help="print a list with the probabilities of all labels")
    parser.add_argument("--as-is", action="store_true", help="predict inputs that are unlike the training data, too")
    arguments = parser.parse_intermixed_args()
    if not arguments.model:
        raise UserError("give a model and inputs: `python -m src.predict models/model.npz digit.png`")
    from src.prediction.inputs import is_value, read_examples
    from src.prediction.predictions import open_model, predictions

    if is_value(arguments.model):
        raise UserError(f"{arguments.model}: give the model first: python -m src.predict MODEL {arguments.model} ...")
    try:
        model, signature = open_model(arguments.model)
    except UserError as error:
        file = Path(arguments.model)
        if not file.is_file() or file.suffix == ".npz":
            raise
        raise UserError(f"{error}; give the model first, then what it is to predict") from None  # a picture, perhaps
    if not arguments.inputs:
        raise UserError(f"give inputs: {arguments.model} takes {signature.words}")
    found = predictions(model, signature, read_examples(arguments.inputs, signature, arguments.as_is))
    if arguments.json:
        from src.foundation.files import json_text

        print(json_text([one.plain() for one in found]), end="")
    else:
        print(_table(found))


if __name__ == "__main__":
    run_command(main)
