"""Shows a data set, or a trained model and what it makes of an example.

With data=RECIPE alone: shapes and types, classes and their weights, the first rows, one example, mean and deviation
before and after scaling. With MODEL, which is a model file, a run folder, an MLflow run id, a fingerprint, or a unique
prefix of either: its layers, and an example of its data with the probabilities of the labels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from src.cli.command import Arguments, run_command
from src.cli.settings import data_recipe, read_settings
from src.foundation.errors import RunFailed, UserError, machine_error, suggestion

if TYPE_CHECKING:
    from src.data.recipes import Recipe
    from src.prediction.example import Example

_EPILOG = """\
settings:
  data=RECIPE data.KEY=VALUE   the data; with MODEL by default those that it was trained on
  part=train|valid|test        the set of the example; by default train, with MODEL test
  index=N                      the example, from 0; by default the first one, with MODEL a random one
  seed=N                       of what is random: the model's example, the sheet of pictures (default: 0)
  label=LABEL                  the class of which --pictures draws versions
  angle=DEGREES                with MODEL, shows the image turned, too: counter-clockwise

--pictures FOLDER draws PNG files. Of images: a random sheet, one of each class, versions of one class, mean images;
of points on a plane: a scatter plot; of any data: the counts of the classes. With MODEL: the image, upright and turned,
with the probabilities.

examples:
  python -m src.show data=digits                                what is in it
  python -m src.show data=mnist label=4 --pictures seen/        pictures, with 25 versions of a 4
  python -m src.show models/model.npz index=17 angle=180        is it read as something else upside down?
  python -m src.show 2f9c41 data=spiral --json                  a run, by a prefix of its id, as JSON

exit codes: 0 done; 1 the data can't be fetched; 2 the input is wrong
"""


@dataclass(frozen=True)
class Settings:
    """What is shown."""

    part: Annotated[str, ("train", "valid", "test")] | None = None
    index: int | None = None
    seed: Annotated[int, ">= 0", "<= 4294967295"] = 0
    label: str | None = None
    angle: float | None = None

    def only(self, key: str, what: str) -> None:
        """Rejects a setting that shows nothing here."""
        if (value := getattr(self, key)) is not None:
            raise UserError(f"{key}={value}: only for {what}; `python -m src.show --help` lists the settings")


def _show_data(recipe: "Recipe", settings: Settings, folder: Path | None) -> tuple[str, dict[str, Any]]:
    """The facts of a data set as text and for JSON."""
    settings.only("angle", "an example of a model")
    if folder is None:
        settings.only("label", "pictures of data, with --pictures FOLDER")
    from src.analysis.data_facts import data_facts
    from src.data.recipes import prepare, unscaled
    from src.prediction.example import chosen
    from src.reporting.data_tables import data_text

    dataset = prepare(recipe)
    if settings.label is not None and settings.label not in dataset.labels:
        listed = suggestion(settings.label, dataset.labels)
        raise UserError(f"label={settings.label}: no label of data={recipe.name}; {listed}")
    part = settings.part or "train"
    index = chosen(dataset, part, settings.index or 0)
    facts = data_facts(dataset, *unscaled(recipe), part, index)
    if folder is not None:
        from src.figures.data_pictures import draw_pictures

        draw_pictures(dataset, _made(folder), settings.seed, settings.label)
    return data_text(facts, part, index), facts.plain()


def _show_model(
    name: str, recipe: "Recipe | None", settings: Settings, folder: Path | None
) -> tuple[str, dict[str, Any]]:
    """The layers of a model and an example as text and for JSON."""
    settings.only("label", "pictures of data")
    from src.analysis.layers import layers, words
    from src.data.recipes import Recipe
    from src.foundation.schema import build
    from src.prediction.example import example
    from src.prediction.predictions import open_model
    from src.reporting.model_tables import layers_table, probabilities_table

    model, signature = open_model(name)
    found, header = layers(model), model.header
    own: Recipe = recipe or build(Recipe, header["recipe"], "data")
    about = {key: header.get(key) for key in ("recipe", "labels", "image", "features", "weights_sha256")}
    plain = {"model": name, "words": words(model), **about, "layers": [layer._asdict() for layer in found]}
    heading = f"{name}: {words(model)}; trained on data={header['recipe']['name']}"
    text = [heading, "", layers_table(found), ""]
    try:
        shown = example(model, signature, own, settings.part or "test", settings.index, settings.seed, settings.angle)
    except RunFailed as reason:
        if recipe or folder or settings != Settings():
            raise
        return "\n".join([*text, f"no example: {reason}"]), plain | {"example": None}
    if folder is not None:
        _draw(shown, folder)
    drawn = "" if settings.index is not None else f" (random, seed={settings.seed})"
    table = probabilities_table({f"{one.example}: {one.label}": one.probabilities for one in shown.predictions})
    return "\n".join([*text, shown.name + drawn, _values(shown), "", table]), plain | {"example": shown.plain()}


def _values(shown: "Example") -> str:
    """Its images in characters; or its values."""
    from src.reporting.data_tables import number, picture

    if shown.image is None:
        return ", ".join(map(number, shown.x[0].tolist()))
    return "\n\n".join(picture(image) for image in shown.x.reshape(-1, *shown.image))


def _draw(shown: "Example", folder: Path) -> None:
    if shown.image is None:
        raise UserError(f"--pictures {folder}: examples of {shown.recipe} are not images; nothing can be drawn")
    import numpy as np

    from src.figures import canvas, turned

    labels = list(shown.predictions[0].probabilities)
    shares = np.array([list(one.probabilities.values()) for one in shown.predictions])
    taken = [labels.index(one.label) for one in shown.predictions]
    names = [one.example.capitalize() for one in shown.predictions]
    images = shown.x.reshape(-1, *shown.image)
    canvas.save(
        turned.draw(images, shares, taken, labels, shown.name.capitalize(), names), _made(folder) / "example.png"
    )


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--pictures {folder}: can't be made ({machine_error(error)})") from None
    return folder


def main() -> None:
    """The command."""
    parser = Arguments("show", __doc__, _EPILOG)
    parser.add_argument("words", nargs="*", metavar="MODEL | KEY=VALUE", help="see below")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw PNG files into this folder")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_intermixed_args()
    from src.prediction.inputs import is_value

    models = [word for word in arguments.words if not is_value(word)]
    settings, overrides = read_settings(Settings, filter(is_value, arguments.words))
    if len(models) > 1:
        raise UserError(f"{' '.join(models)}: give one model")
    folder: Path | None = arguments.pictures
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UserError(f"--pictures {folder}: not a folder")
    recipe = data_recipe(overrides, Settings)
    if models:
        text, plain = _show_model(models[0], recipe, settings, folder)
    elif recipe is None:
        raise UserError(
            "give data or a model: `python -m src.show data=mnist` or `python -m src.show models/model.npz`"
        )
    else:
        text, plain = _show_data(recipe, settings, folder)
    if arguments.json:
        from src.foundation.files import json_text

        print(json_text(plain), end="")
    else:
        print(text if folder is None else f"{text}\n\npictures are in {folder}")


if __name__ == "__main__":
    run_command(main)
