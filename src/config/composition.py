"""The bridge to Hydra: composes `conf/`, and turns Hydra's errors into one-line messages.

Every command imports this file, so imports that `--help` does not need are late.
"""

import contextlib
import os
import re
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.config.groups import CONF as CONF
from src.config.groups import choices as choices
from src.config.groups import in_a_circle
from src.config.interpolations import DIGEST, OTHER_SEED, TEXTS, check_files, unescaped
from src.foundation.errors import UserError, suggestion
from src.foundation.files import conf_digest, sha256

if TYPE_CHECKING:
    from src.config.tree import Config

_ONE_BATCH = "one_batch"
_BRACKETS = (("[", "]"), ("(", ")"), ("{", "}"))
# The allowed options of Hydra. Not allowed: another conf/, and --experimental-rerun, which reads a pickle.
_OPTIONS = (
    "-h", "--help", "--hydra-help", "--version", "-c", "--cfg", "--resolve", "-p", "--package", "-i", "--info",
    "-r", "--run", "-m", "--multirun", "-sc", "--shell-completion",
)  # fmt: skip
_TAKE_A_WORD = ("-c", "--cfg", "-p", "--package")
# The allowed keys of Hydra: where and how jobs run, and what is printed. Not allowed: anything that Hydra would call.
_HYDRAS_KEYS = (
    r"[+~]*hydra([./](launcher|sweeper)\b[\w./]*|\.(mode|verbose|output_subdir|run\.dir|sweep\.(dir|subdir))"
    r"|/(job|hydra)_logging)(=|$)"
)
_A_KEY = "KEY=VALUE for a key that --help lists"
# What Hydra would accept in an override but we do not, and why.
_NOT_ALLOWED = (
    (r".*\$\{", "interpolations are not allowed; write the value itself"),
    (r".*\b_target_\b", "_target_ is not allowed; a configuration calls nothing"),
    (rf"(?!{_HYDRAS_KEYS})[+~/]*hydra\b", "this key of Hydra can't be set; allowed: its launcher, sweeper and folders"),
    (r"\+(?!\+?hydra\b)", f"keys and groups can't be added; allowed: {_A_KEY}"),
    (r"~(?!hydra\b)", f"keys and groups can't be removed; allowed: {_A_KEY}"),
    (r"/|[^=]*@|=|$", f"no such key; allowed: {_A_KEY}"),
    (r"conf_digest=", "is the digest of the files in conf/, which nobody sets; leave it out"),
)


def load(overrides: Sequence[str]) -> "Config":
    """The configuration of a stage: params.yaml, or `conf/` composed with overrides if there are any."""
    from src.config.tree import read_snapshot

    return compose(overrides) if overrides else read_snapshot()


def compose(overrides: Sequence[str]) -> "Config":
    """`conf/` composed with overrides, as by `python -m src.train`. Raises `UserError` for what is not allowed."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    # Inside a command that Hydra runs, it is already initialized, with the same conf/.
    running = GlobalHydra.instance().is_initialized()
    with (
        one_line_errors(overrides),
        contextlib.nullcontext() if running else initialize_config_dir(CONF, version_base="1.3"),
    ):
        return from_hydra(hydra_compose("config", list(overrides)))


def from_hydra(composed: Any, digest: str | None = None) -> "Config":
    """The typed configuration of an OmegaConf tree. Interpolations but our own are not resolved, and so rejected.

    digest: of conf/, if it is known.
    """
    from omegaconf import OmegaConf

    from src.config import tree as config

    tree = OmegaConf.to_container(composed, resolve=False)
    if isinstance(tree, dict):
        tree.pop("hydra", None)
        tree.pop("ablation", None)  # belongs to a study, not to a run
        for group in ("experiment", "debug"):
            if group in tree:
                raise UserError(f"{group}: the file in conf/{group}/ needs the first line `# @package _global_`")
        if tree.get("conf_digest") == DIGEST:
            tree["conf_digest"] = digest or conf_digest()
        data: Any = tree.get("data")
        if isinstance(data, dict) and isinstance(data.get("name"), str) and "seed" in data:
            if data["name"] == _ONE_BATCH:  # of debug=overfit_batch: each recipe has a batch of its own
                data["name"] += f"_{sha256(repr(sorted(data.items())).encode())[:8]}"
            data["name"] = OTHER_SEED.sub(lambda own: other_seed(int(own[1]), data["seed"]), data["name"])
            data.update((key, unescaped(data[key], key)) for key in TEXTS if key in data and key != "columns")
    built = config.build(tree, "the configuration")
    check_studies(built.studies)
    return built


def check_studies(studies: Sequence[str]) -> None:
    """Raises `UserError` for a name that is no study of conf/ablation/, or that is there twice."""
    for at, study in enumerate(studies):
        if study in studies[:at]:
            raise UserError(f"studies=[{','.join(studies)}]: contains {study} twice")
        if study not in choices("ablation"):
            raise UserError(f"studies=[{study}]: no such study; {suggestion(study, choices('ablation'))}")


def other_seed(own: int | None, seed: Any) -> str:
    """What a recipe with a `data.seed` of its own adds to its name for another seed: `_seed5`; "" for its own.

    The interpolation `${other_seed:1234}` calls it, so that data of both seeds have folders of their own.
    """
    return "" if seed == own else f"_seed{seed}"


def check_overrides(arguments: Sequence[str]) -> None:
    """Rejects arguments that Hydra would accept but we do not.

    These are added and removed keys, interpolations, `_target_`, and most of Hydra's own settings.
    """
    late = ""  # an option behind an override
    for at, (before, argument) in enumerate(zip(("", *arguments), arguments, strict=False)):
        if before in _TAKE_A_WORD and re.fullmatch(r"[\w.]+", argument):
            continue  # the option's value, such as `-p train`
        if argument.startswith("-"):
            option, equals, _ = argument.partition("=")
            if option not in _OPTIONS:
                listed = f"no such option; {suggestion(option, _OPTIONS)}"
                raise UserError(f"{argument}: {_cure(arguments, at) or listed}")
            if equals and option not in (*_TAKE_A_WORD, "-i", "--info"):
                raise UserError(f"{argument}: {option} takes no value; leave out {argument[len(option) :]}")
            late = late or argument * (not all(word.startswith("-") for word in arguments[:at]))
            continue
        if late:
            raise UserError(f"{late}: move it before the first KEY=VALUE; Hydra does not read {argument} behind it")
        for pattern, why in _NOT_ALLOWED:
            if re.match(pattern, argument, re.DOTALL):
                meant = _cure(arguments, at) if re.match(r"\+\+?\w", argument) and "$" not in argument else ""
                raise UserError(f"{argument}: {meant or why}")
        cut = not re.search("['\"]", argument) and any(argument.count(a) != argument.count(b) for a, b in _BRACKETS)
        if ("=" not in argument and not argument.startswith("~")) or cut:
            raise UserError(f"{argument}: {_cure(arguments, at) or f'not KEY=VALUE; allowed: {_A_KEY}'}")
        group, _, choice = argument.partition("=")
        if "hydra" in group or not (allowed := choices(group)):
            continue
        if choice.startswith("[") and group != "experiment":  # Hydra would merge them all
            raise UserError(f"{argument}: must be one choice, not a list; allowed: {', '.join(allowed)}")
        if "/" in choice:
            raise UserError(f"{argument}: no such choice; {suggestion(Path(choice).stem, allowed)}")
        for word in re.findall(r"(?:^|,)([\w.+-]*)(?=,|$)", choice):
            if word not in allowed:  # Hydra crashes on a word that YAML reads as a number, a boolean or null
                near = suggestion(word, allowed)
                meant = "" if near.startswith("did") else _cure([f"{group}={word}"], 0, but=group)
                raise UserError(f"{group}={word}: no such choice; {' '.join(filter(None, (meant, near)))}")


@contextlib.contextmanager
def one_line_errors(arguments: Sequence[str]) -> Iterator[None]:
    """Checks a command's arguments; turns errors of Hydra and OmegaConf about them into a `UserError`."""
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    # Otherwise Hydra prints errors itself, on many lines, and exits with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    check_overrides(arguments)
    try:
        try:
            check_files(Path(CONF))
        except UnicodeDecodeError as error:
            raise yaml.YAMLError(error) from None
        yield
    except UserError as error:
        from src.config.slips import another_value

        meant = another_value(message := str(error), arguments)
        raise UserError(f"{message}; {meant}") if meant and meant not in message else error from None
    except yaml.YAMLError as error:
        raise UserError(f"a file in conf/ is not valid YAML: {error}") from None
    except RecursionError as error:
        if not (files := in_a_circle(error)):
            raise
        raise UserError(f"{', '.join(files)}: the defaults lead in a circle; remove one of them") from None
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if isinstance(error, ValueError) and not frame.f_globals["__name__"].startswith(("hydra.", "omegaconf.")):
            raise  # a bug; theirs are of a file in conf/, or of a key below a list
        from src.config.hydra_errors import one_line

        raise UserError(one_line(error, arguments)) from None


def _cure(arguments: Sequence[str], at: int, but: str = "") -> str:
    from src.config.slips import cure

    return cure(arguments, at, but)
