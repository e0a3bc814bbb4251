"""`make ui`: where it listens, to whom it answers, and which page it opens."""

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from src.config.tracking import Tracking
from src.data.dataset import Dataset
from src.recording import ui
from src.recording.recording import Recording
from src.recording.store import open_store
from src.recording.ui import links, main, opened_to_others, refuse_taken
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.conftest import ROOT
from tests.helpers.composing import Small
from tests.helpers.refusals import refusal
from tests.helpers.stores import client_of

Started = Callable[..., tuple[list[str], Mapping[str, str]]]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens, at all addresses."""
    with socket.create_server(("0.0.0.0", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Gives the command and the variables with which MLflow would be started."""

    def start(*arguments: str) -> tuple[list[str], Mapping[str, str]]:
        found: list[Any] = []
        monkeypatch.setattr("sys.argv", ["ui", *arguments])
        monkeypatch.setattr("os.execve", lambda path, command, variables: found.append((command, variables)))
        main()
        return found[0]  # type: ignore[no-any-return]

    return start


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as some:
        return str(some.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_port_that_is_taken_is_refused_with_one_that_is_not(host: str, taken: int) -> None:
    message = refusal(refuse_taken, host, taken)
    assert message.startswith(f"PORT={taken}: another program listens there")
    refuse_taken(host, int(message.rpartition("=")[2]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("127.0.0.1", "many"), "PORT=many: not a port; allowed: 1 to 65535"),
        (("127.0.0.1", "65536"), "PORT=65536: not a port"),
        (("", "5000"), "HOST=: no address; allowed: 127.0.0.1; "),
        (("nowhere.example", "5000"), "HOST=nowhere.example: the UI can't listen there"),
        (("192.0.2.77", "5000"), "HOST=192.0.2.77: the UI can't listen there"),
        (("::1", "5000"), "HOST=::1: the UI can't listen there"),
    ],
)
def test_where_it_can_not_listen_is_refused(
    home: Path, started: Started, arguments: tuple[str, str], message: str
) -> None:
    assert refusal(started, *arguments).startswith(message)


def test_it_is_for_this_machine_alone_unless_it_is_opened_to_others_with_a_warning(
    home: Path, started: Started, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = (ROOT / "Makefile").read_text()
    assert "\nHOST := 127.0.0.1\n" in recipe  # whatever the environment says
    assert recipe.count("mlflow ui") == 0
    for host, others in (("127.0.0.1", False), ("0.0.0.0", True)):
        port = free_port()
        command, variables = started(host, port)
        assert command[1:] == [
            *("-m", "mlflow", "ui", "--host", host, "--port", port, "--workers", "1"),
            *("--backend-store-uri", "sqlite:///mlflow.db"),
        ]
        assert variables["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
        assert ("MLFLOW_SERVER_ALLOWED_HOSTS" in variables) == others
        assert ("warning: HOST=0.0.0.0: whoever reaches" in capsys.readouterr().err) == others
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@host/mlflow")
    monkeypatch.setattr("os.execve", None)
    main()
    assert capsys.readouterr().out == "The runs are on https://host/mlflow; open that.\n"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (home / "mlflow.db").unlink()
    assert refusal(main).startswith("no runs yet; ")


def test_opened_to_others_it_answers_to_each_name_of_this_machine_and_to_no_other() -> None:
    from mlflow.server.security_utils import is_allowed_host_header, should_block_cors_request

    variables = opened_to_others({"MLFLOW_SERVER_ALLOWED_HOSTS": "lab.example:80, *.lab.example"})
    hosts, origins = (variables[name].split(",") for name in (ui._HOSTS, ui._ORIGINS))

    def answered(name: str) -> set[bool]:
        """What a page, and what its requests get."""
        blocked = should_block_cors_request(f"http://{name}", "POST", origins)
        return {is_allowed_host_header(hosts, name), not blocked}

    own = {"localhost", "127.0.0.1", socket.gethostname(), socket.getfqdn()}
    for name in (*own, *(f"{name}:8080" for name in own), "lab.example:80", "a.lab.example"):
        assert answered(name) == {True}, name
    for name in ("evil.example", "evil.example:80", "lab.example", "192.168.evil.example", "10.evil.example:80"):
        assert answered(name) == {False}, name


@pytest.mark.usefixtures("in_thread")
def test_it_is_opened_at_the_runs_of_each_experiment_the_latest_first(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [name for name, _ in links("http://here")] == [""]
    for config, name in ((small(), "mlp"), (small("train.epochs=1"), "another")):
        folder = run(config, digits, Tracker()).folder
        with Recording(Tracking(experiment=name)) as recording:
            recording.run("a run", folder)
    ids = {name: open_store(Tracking(experiment=name)).experiment_id for name in ("another", "mlp")}
    found = links("http://here")
    assert [name for name, _ in found] == ["another", "mlp"]
    for name, link in found:
        assert link.startswith(f"http://here/#/experiments/{ids[name]}/runs?workflowType=machine_learning&")
        assert link.endswith("orderByKey=metrics.%60valid%2Faccuracy%60&orderByAsc=false")
    client_of(home).delete_experiment(ids["another"])
    assert [name for name, _ in links("http://here")] == ["mlp"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://host/database")
    assert links("http://here") == [("", "http://here/#/experiments?workflowType=machine_learning")]
