"""Scores a trained model on labelled data: accuracy, loss, precision, recall and F1, and the confusion matrix.

MODEL is a model file, a run folder, an MLflow run id, a fingerprint, or a unique prefix of either. The data are a
recipe of conf/data/, or, if the model was trained on a table of your own, a file with the same columns; without one,
those that the model was trained on. Labels are matched by name, and inputs are scaled as in the model's training,
whatever the recipe's own scaling.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from src.cli.command import Arguments, run_command
from src.cli.settings import data_recipe, read_settings
from src.foundation.errors import UserError

if TYPE_CHECKING:
    from src.prediction.scoring import Scored

_MOST_COLUMNS = 40  # of the table of which class is predicted as which
_EPILOG = """\
examples:
  python -m src.score models/model.npz                      its own test set
  python -m src.score models/model.npz part=valid           its own validation set
  python -m src.score 2f9c41 data=spiral data.seed=5        on other points
  python -m src.score 2f9c41 data=digits --json             as JSON, for programs
  python -m src.score 2f9c41 new.csv                        a file with the columns of your own table

You are warned if the recipe splits the same examples in another way: the model may have been trained on some of them.

exit codes: 0 done; 1 the data can't be fetched; 2 the input is wrong, or the data do not fit the model
"""


@dataclass(frozen=True)
class Settings:
    """What is scored."""

    part: Annotated[str, ("train", "valid", "test")] = "test"


def _text(found: "Scored", what: str) -> str:
    from src.reporting.tables import plain_table

    scores, labels = found.scores, list(found.scores["class"])
    overall = scores["overall"]
    names = ("precision", "recall", "f1")
    by_class = [
        [label, *(f"{one[name]:.2%}" for name in names), str(one["num_samples"])]
        for label, one in scores["class"].items()
    ]
    counts = [[label, *map(str, row)] for label, row in zip(labels, found.confusion.tolist(), strict=True)]
    means = ", ".join(f"{name} {overall[name]:.2%}" for name in names)
    confused = ["predicted (columns) for each class (rows):", plain_table(["", *labels], counts)]
    if len(labels) > _MOST_COLUMNS:
        confused = [f"{len(labels)} classes are too many for a table of which is predicted as which; --json has it"]
    return "\n".join(
        [
            what + (", scaled as the model expects" if found.rescaled else ""),
            f"accuracy {scores['accuracy']:.2%}, loss {scores['loss']:.4f}; means of all classes: {means}",
            "",
            plain_table(["class", *names, "examples"], by_class),
            "",
            *confused,
        ]
    )


def main() -> None:
    """The command."""
    parser = Arguments("score", __doc__, _EPILOG)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="see above")
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE",
        help="FILE, or data=RECIPE, data.KEY=VALUE, and part=train, valid or test (default: test)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--as-is", action="store_true", help="score a FILE that is unlike the training data, too")
    arguments = parser.parse_intermixed_args()
    if not arguments.model:
        raise UserError("give a model: `python -m src.score models/model.npz data=mnist part=test`")
    from src.data.recipes import Recipe, prepare
    from src.foundation.schema import build
    from src.prediction.inputs import is_value
    from src.prediction.predictions import open_model
    from src.prediction.scoring import score, score_table

    if is_value(arguments.model):
        raise UserError(f"{arguments.model}: give the model first: python -m src.score MODEL {arguments.model} ...")
    settings, overrides = read_settings(Settings, arguments.settings)
    if table := bool(overrides) and Path(overrides[0]).is_file():
        if len(overrides) > 1 or settings != Settings():
            raise UserError(f"{' '.join(arguments.settings)}: give a file alone, or data=RECIPE")
        recipe = None
    else:
        recipe = data_recipe(overrides, Settings)
    model, signature = open_model(arguments.model)
    if table:
        found = score_table(model, signature, Path(overrides[0]), arguments.as_is)
        data, where = {"file": overrides[0]}, overrides[0]
    else:
        dataset = prepare(recipe or build(Recipe, model.header["recipe"], "data"))
        found, data = score(model, signature, dataset, settings.part), dataset.recipe
        where = f"data={dataset.recipe['name']}, {found.name} set"
        if found.seen:
            seen = "has another split than the model was trained on; it may have seen some of these examples"
            print(f"warning: data={dataset.recipe['name']} {seen}", file=sys.stderr)
    if arguments.json:
        from src.foundation.files import json_text

        about = {"model": arguments.model, "data": data, "part": settings.part, "rescaled": found.rescaled}
        labels = [*found.scores["class"]]
        print(json_text(about | found.scores | {"labels": labels, "confusion": found.confusion.tolist()}), end="")
    else:
        print(_text(found, f"{arguments.model} on {where}: {found.scores['overall']['num_samples']:,} examples"))


if __name__ == "__main__":
    run_command(main)
