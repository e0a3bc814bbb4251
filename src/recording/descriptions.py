"""What MLflow's pages say an experiment, a parent and a run are, in Markdown: people first, digests last."""

from collections.abc import Mapping, Sequence

from src.config.tree import Config
from src.foundation.schema import show

NOTE = "mlflow.note.content"  # the tag that MLflow's UI shows as a description
WORKFLOW = (
    "workflowType=machine_learning"  # of the UI's addresses, which otherwise lead to its pages for language models
)
OF_EXPERIMENT = """\
Trainings of multi-layer perceptrons written in NumPy: single runs, sweeps and studies, which are parents of their runs.

To compare runs, open *Runs* and the chart view. The best run on MNIST: sort by `kept/valid/accuracy`, and search
`tags.data = 'mnist' and tags."copy.of" IS NULL`. Each run's page has the command that trains it again and compares.

MLflow mirrors the run folders in `runs/`, which have everything: `python -m src.sync` writes what is missing here.
"""


def of_run(name: str, config: Config, tags: Mapping[str, str], run_id: str) -> str:
    """A run's description. tags: those that it has in the store."""
    model = config.model
    network = f"hidden layers {show(list(model.hidden))}, {show(model.act)}, {model.init}, {config.optimizer.name}"
    what = f"{network}; data {config.data.name}; seed {config.seed}"
    command = f"Trained by `{tags['command']}`." if "command" in tags else ""
    copy = f"A copy, for its study, of the run `{tags['copy.of']}`." if "copy.of" in tags else ""
    replay = f"Train it again, and compare:\n\n```\npython -m src.replay {run_id}\n```"
    return _paragraphs(f"**{name}**: {what}.", command, copy, replay, f"Fingerprint: {tags.get('fingerprint')}")


def of_parent(about: str, command: str, reused: Sequence[str], identity: str) -> str:
    """A parent's description. reused: a line for each of its runs that was recorded elsewhere before."""
    again = f"Run it again; what has finished is not trained twice:\n\n```\n{command}\n```" if command else ""
    listed = "\n".join(["Of its runs these had been recorded before:\n", *reused]) if reused else ""
    return _paragraphs(about, again, listed, f"Identity: {identity}")


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(filter(None, parts))
