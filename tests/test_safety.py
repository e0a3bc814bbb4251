"""What is not trusted calls nothing, and no secret gets into a record: SECURITY.md says what this holds."""

import pickle
import re
import secrets
from collections.abc import Callable
from logging import FileHandler
from pathlib import Path

import pytest
import yaml

from src.config import tree as config
from src.config.composition import check_overrides, compose
from src.config.tracking import Tracking
from src.foundation.errors import RunFailed, UserError, masked
from tests.conftest import ROOT, Shell, environment, make_checkout
from tests.helpers.checkouts import shell_in
from tests.helpers.refusals import assert_rejected, refusal

TRAIN = ("python", "-m", "src.train")
SMALL = ("experiment=digits", "model.hidden=[8]", "train.epochs=2")


# --- configurations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "override",
    [
        "model._target_=os.system",
        "+model._target_=os.system",
        "model={_target_:os.system}",
        "model={'_target_':os.system}",
        "train={_target_:os.system}",
        "name={a:[{_target_:os.system}]}",
        "model.hidden=[{_target_:os.system}]",
        "name=_target_",
        "hydra.launcher._target_=os.system",
        "++hydra.launcher._target_=os.system",
        "hydra.sweeper={_target_:os.system}",
        "+hydra.callbacks.x={_target_:os.system}",
        "hydra.callbacks={x:{_target_:os.system}}",
        "hydra.job_logging={version:1}",
        "hydra.hydra_logging.handlers={x:{class:os.system}}",
        "hydra/launcher@hydra.callbacks.x=joblib",
        "hydra.searchpath=[file:///tmp]",
        "hydra.job.env_set.LD_PRELOAD=x",
        "hydra.runtime.cwd=/tmp",
        "hydra={searchpath:[file:///tmp]}",
        "~hydra.sweep",
        "/hydra/launcher=basic",
        "hydra.launcher.n_jobs=${oc.env:HOME}",
        "hydra.launcher.temp_folder='${oc.env:HOME}'",
        "name=${oc.env:HOME}",
        "name='${oc.env:HOME}'",
        'name="${oc.env:HOME}"',
        "name=a${oc.env:HOME}",
        "name=${oc.decode:${oc.env:HOME}}",
        "name=${conf_digest:}",
        "name=[${oc.env:HOME}]",
        "name={${oc.env:HOME}:1}",
        "model.hidden=[8,${oc.env:HOME}]",
        "model.${name}=1",
        "${name}=1",
        "optimizer=${oc.env:OPTIMIZER}",
        "--config-dir=/tmp",
        "--config-dir",
        "-cd",
        "-cp=/tmp",
        "--config-path=/tmp",
        "--config-name=other",
        "--config-d=/tmp",
        "--experimental-rerun=config.pickle",
        "--exp=config.pickle",
        "-mcd",
    ],
)
def test_an_override_that_would_call_or_read_something_is_refused(override: str) -> None:
    assert override.partition("=")[0] in refusal(compose, [override])


def test_what_a_sweep_needs_of_hydra_is_allowed() -> None:
    check_overrides(["-m", "hydra/launcher=basic", "hydra.launcher.n_jobs=2", "hydra.verbose=false"])
    check_overrides(["--multirun", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra/sweeper/sampler=tpe"])
    check_overrides(["hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=none", "hydra.sweep.dir=/tmp/x"])
    check_overrides(["--cfg=job", "--resolve", "--info", "+hydra.sweeper.params.seed=1"])
    assert compose(["name=my_target_is_met"]).name == "my_target_is_met"


def test_the_value_of_an_option_is_no_override() -> None:
    for option, value in (("-p", "train"), ("--package", "model.act"), ("-c", "hydra"), ("--cfg", "job")):
        check_overrides([option, value, "seed=1"])
    for option, value in (("-p", "train=none"), ("-p", "--config-dir=/tmp"), ("-c", "${oc.env:HOME}"), ("-r", "train")):
        assert refusal(check_overrides, [option, value])


def nested(tree: dict[str, object], key: str, value: object) -> dict[str, object]:
    *parents, last = key.split(".")
    node = tree
    for parent in parents:
        node = node[parent]  # type: ignore[assignment]
    node[last] = value
    return tree


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model._target_", "os.system", r"model\._target_=os\.system: _target_ is not allowed"),
        ("_target_", "os.system", "_target_ is not allowed"),
        ("name", {"_target_": "os.system"}, r"name\._target_"),
        ("model.hidden", [{"_target_": "os.system"}], r"model\.hidden\[0\]\._target_"),
        ("name", "${oc.env:HOME}", r"name=\$\{oc\.env:HOME\}: interpolations"),
        ("tracking.uri", "sqlite:///${oc.env:HOME}/x.db", r"tracking\.uri=.*interpolations"),
        ("data.mirror", "${oc.env:HOME}", r"data\.mirror=.*interpolations"),
        ("model.hidden", [8, "${seed}"], r"model\.hidden\[1\]=.*interpolations"),
        ("seed", "${oc.decode:1}", "seed=.*interpolations"),
        ("${HOME}", 1, r"\$\{HOME\}=1: no such key"),
    ],
)
def test_a_snapshot_calls_nothing_and_reads_no_variable(tmp_path: Path, key: str, value: object, message: str) -> None:
    tree = nested(yaml.safe_load((ROOT / "params.yaml").read_text()), key, value)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree))
    assert re.search(message, refusal(config.read_snapshot, tmp_path / "params.yaml"))


def test_a_snapshot_that_unfolds_to_gigabytes_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (tmp_path / "params.yaml").write_text("\n".join(lines))
    assert "alias" in refusal(config.read_snapshot, tmp_path / "params.yaml")


# A handler of log files makes its file when it is called: that it was called shows in the folder.
HOSTILE = {
    "callback": "hydra:\n  callbacks:\n    x:\n      _target_: logging.FileHandler\n      filename: called\n",
    "callback in disguise": 'hydra: {callbacks: {x: {"\\x5ftarget_": logging.FileHandler, filename: called}}}\n',
    "handler": "hydra:\n  job_logging: &l\n    handlers:\n      x:\n        class: logging.FileHandler\n"
    "        filename: called\n    root: {handlers: [x]}\n    version: 1\n  hydra_logging: *l\n",
    "factory": "hydra:\n  job_logging:\n    version: 1\n    root: {handlers: [x]}\n"
    '    handlers: {x: {"()": logging.FileHandler, filename: called}}\n',
    "search path": "hydra:\n  searchpath: [file:///tmp]\n",
    "interpolation": "hydra:\n  run:\n    dir: ${oc.env:HOME}\n",
    "interpolated key": "name: {'${oc.env:HOME}': 1}\n",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs a command, with a file of conf/, that must be refused before Hydra acts on either; returns the message."""
    checkout = make_checkout(tmp_path_factory.mktemp("checkout") / "c")
    (checkout / "config.pickle").write_bytes(pickle.dumps(Called()))

    def message(*command: str, file: str = "experiment", content: str = "") -> str:
        hostile = checkout / f"conf/{file}/hostile.yaml"
        hostile.write_text(f"# @package _global_\n{content}")
        done = shell_in(checkout)("python", "-m", *command)
        hostile.unlink()
        assert_rejected(done)
        assert not (checkout / "called").exists()
        return done.stderr

    return message


class Called:
    def __reduce__(self) -> tuple[type[FileHandler], tuple[str]]:
        return FileHandler, ("called",)


@pytest.mark.parametrize("trick", HOSTILE)
@pytest.mark.parametrize("command", ["src.train", "src.compose"])
def test_a_hostile_file_of_conf_is_refused(refused: Callable[..., str], trick: str, command: str) -> None:
    message = refused(command, "experiment=hostile", content=HOSTILE[trick])
    assert re.search(r"hostile\.yaml: .* (is|are) not allowed; ", message)


@pytest.mark.parametrize(
    "arguments",
    [
        ["+hydra.callbacks.x={_target_:logging.FileHandler,filename:called}"],
        ["-m", "hydra.launcher._target_=logging.FileHandler"],
        ["-m", "hydra.sweeper._target_=logging.FileHandler"],
        ["--experimental-rerun", "config.pickle"],
        ["--config-dir", "elsewhere", "+hydra/launcher=evil"],
    ],
    ids=" ".join,
)
def test_a_hostile_command_line_is_refused(refused: Callable[..., str], arguments: list[str]) -> None:
    refused("src.train", *arguments)


@pytest.mark.parametrize(
    "change", ["hydra.callbacks={x:{_target_:logging.FileHandler}}", "name=${oc.env:HOME}", "+a=1"]
)
def test_a_hostile_variant_of_a_study_is_refused(refused: Callable[..., str], change: str) -> None:
    study = yaml.safe_load((ROOT / "conf/ablation/width.yaml").read_text())
    del study["ablation"]["grids"]
    study["ablation"] |= {"baseline": "a", "variants": {"a": [], "b": [change]}}
    command = ("src.ablation", "ablation=hostile", *SMALL, "tracking=off")
    message = refused(*command, file="ablation", content=yaml.safe_dump(study))
    assert re.search("not allowed|can't be added", message)


# --- secrets ---------------------------------------------------------------------------------------------------------

HIDDEN = secrets.token_hex(8)  # found nowhere but where it was put
SECRETS = {
    "AWS_ACCESS_KEY_ID": f"AKIA-{HIDDEN}",
    "AWS_SECRET_ACCESS_KEY": f"{HIDDEN}/with+signs",
    "AWS_SESSION_TOKEN": HIDDEN,
    "MLFLOW_TRACKING_USERNAME": HIDDEN,
    "MLFLOW_TRACKING_PASSWORD": HIDDEN,
    "MLFLOW_TRACKING_TOKEN": HIDDEN,
    "GITHUB_TOKEN": HIDDEN,
    "HF_TOKEN": HIDDEN,
    "DATABASE_URL": f"postgresql://{HIDDEN}@host/db",
    "NOBODY_HAS_HEARD_OF_IT": HIDDEN,
}


def files_with(folder: Path, secret: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and secret in file.read_bytes()]


@pytest.mark.slow
def test_what_a_run_leaves_and_prints_holds_no_secret_even_if_the_store_is_away(checkout: Path, shell: Shell) -> None:
    (checkout / "src/more.py").write_text("# so that the tree is dirty\n")
    (checkout / ".dvc/config").write_text(f"['remote \"r\"']\n    password = {HIDDEN}\n")
    (checkout / ".env").write_text(f"TOKEN={HIDDEN}\n")
    recorded = shell(*TRAIN, *SMALL, env=environment() | SECRETS)
    assert recorded.returncode == 0, recorded.stderr
    assert (checkout / "mlflow.db").is_file()
    assert list((checkout / "mlartifacts").rglob("config.yaml"))
    assert files_with(checkout / "runs", b"so that the tree is dirty")
    uri = f"http://me:{HIDDEN}@127.0.0.1:9"
    unrecorded = shell(*TRAIN, *SMALL, "seed=1", env=environment() | {"MLFLOW_TRACKING_URI": uri})
    assert "127.0.0.1:9" in unrecorded.stderr
    assert {file.name for file in files_with(checkout, HIDDEN.encode())} == {"config", ".env"}
    assert not [text for done in (recorded, unrecorded) for text in (done.stdout, done.stderr) if HIDDEN in text]


PASSWORDS = [
    "http://me:hidden@host",
    "https://me:hidden@host:5000/path",
    "https://:hidden@host",
    "https://hidden@host",
    "http://me:hid/hidden@host",
    "http://me:hid@hidden@host",
    "postgresql://me:hidden@host/db",
    "postgresql+psycopg2://me:hidden@/db",
    "mysql+pymysql://me:1hidden@host:3306/db",
    "postgresql://host/db?user=me&password=hidden",
    "postgresql://host/db?sslmode=on&Password=hidden&more=1",
]


@pytest.mark.parametrize("uri", PASSWORDS)
def test_an_address_with_a_password_is_refused_and_not_repeated(uri: str) -> None:
    message = refusal(Tracking, uri=uri)
    assert re.match(r"tracking\.uri=\S*\*\*\*.*MLFLOW_TRACKING_PASSWORD.*MLFLOW_TRACKING_URI", message)
    assert "hidden" not in message


@pytest.mark.parametrize("uri", PASSWORDS[:3])
@pytest.mark.parametrize("key", ["tracking.uri", "tracking.url", "+tracking.uri", "tracking", "tracking.experiment@x"])
def test_no_refusal_repeats_a_password(key: str, uri: str) -> None:
    for override in (f"{key}={uri}", f"{key}='{uri}'", f"{key}=[{uri}", f"{key}={uri},{uri}"):
        assert "hidden" not in refusal(compose, [override])


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://host/path/@x",
        "http://host:5000/a:b@c",
        "sqlite:////home/me@home/a:b/mlflow.db",
        "sqlite:///relative.db",
        "postgresql://me@host/db",
        "databricks",
        "file:///tmp/a:b@c",
        "a message about http://host:5000/ and me@host",
    ],
)
def test_what_has_no_password_is_left_as_it_is(uri: str) -> None:
    assert masked(uri) == uri
    assert Tracking(uri=uri).uri == uri


@pytest.mark.parametrize("kind", [UserError, RunFailed])
def test_a_message_hides_the_passwords_in_it(kind: Callable[[str], Exception]) -> None:
    message = str(kind("the store http://me:hidden@host:80/x can't be used: 'https://hidden@host' is away; do this"))
    assert message == "the store http://me:***@host:80/x can't be used: 'https://***@host' is away; do this"
