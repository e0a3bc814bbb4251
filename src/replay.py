"""Replays a run: do this machine, code and data reproduce its result?

RUN is an MLflow run id, a fingerprint, a unique prefix of either, or a run folder. The run is trained again in a
folder of its own; the original is not changed. The command lists what has changed since, compares weights and metrics,
and says whether they are bit-identical, numerically equal (within --bound) or different.
"""

from typing import TYPE_CHECKING

from src.cli.command import Arguments, run_command
from src.foundation.errors import RunFailed, UserError
from src.reporting.tables import plain_table

if TYPE_CHECKING:
    from src.replays.agreement import Agreement
    from src.replays.retraining import Replay

_EPILOG = """\
examples:
  python -m src.replay 2f9c41                         a prefix of an id or of a fingerprint
  python -m src.replay runs/2f9c41...                 a run folder
  python -m src.replay 2f9c41 --tag-original          also tags the run in MLflow with the verdict
  python -m src.replay --all --study ladder           all runs of a study, in parallel, with a table

exit codes: 0 bit-identical or numerically equal; 1 different, or it can't be replayed; 2 the input is wrong
"""


def _one(name: str, bound: float, tag_original: bool) -> None:
    from src.replays.originals import finished_run
    from src.replays.recording import record
    from src.replays.retraining import plan, retrain
    from src.reporting.console import EpochLines

    replay = plan(finished_run(name))
    original = replay.original
    run_id = f", MLflow run {original.run_id}" if original.run_id else ""
    print(f"replaying {original.name}: {original.fingerprint[:12]}{run_id}")
    print(_differences(replay), flush=True)
    agreement = retrain(replay, EpochLines(replay.config.train.epochs), bound)
    print(_metrics(agreement), flush=True)
    run_ids = record([(replay, agreement)], tag_original)
    print(f"replay        {replay.folder.path}")
    for run_id in run_ids:
        print(f"MLflow run    {run_id}")
    if not agreement.reproduced:
        raise RunFailed(_why(replay, agreement))


def _study(name: str, bound: float, tag_original: bool) -> None:
    from src.replays.agreement import IDENTICAL
    from src.replays.originals import originals
    from src.replays.recording import record
    from src.replays.retraining import replays

    found = originals(name)
    print(f"replaying {len(found)} runs of {name}", flush=True)
    rows: list[list[str]] = []
    compared: list[tuple[Replay, Agreement]] = []
    for original, outcome in replays(found, bound):
        row = [original.name, original.fingerprint[:12]]
        if isinstance(outcome, str):
            rows.append([*row, "-", "-", f"failed: {outcome}"])
            continue
        replay, agreement = outcome
        if not compared:  # all were trained by the same code, and on the same data
            print(_differences(replay), flush=True)
        compared.append(outcome)
        test = next(pair for pair in agreement.metrics if pair.metric == "test/accuracy")
        rows.append([*row, f"{test.then:.2%}", f"{test.now:.2%}", agreement.verdict])
    header = ["run", "fingerprint", "test then", "test now", "verdict"]
    print(f"\n{plain_table(header, rows, width=60)}\n", flush=True)
    record(compared, tag_original)
    if bad := len(rows) - sum(agreement.reproduced for _, agreement in compared):
        raise RunFailed(f"{bad} of {len(rows)} runs were not reproduced")
    identical = sum(agreement.verdict == IDENTICAL for _, agreement in compared)
    others = f", {len(rows) - identical} numerically equal" if identical < len(rows) else ""
    print(f"{identical} of {len(rows)} runs are bit-identical{others}")


def _differences(replay: "Replay") -> str:
    from src.replays.retraining import advice

    if not replay.differences:
        return "no differences found; expecting identical weights"
    rows = [[one.what, one.then, one.now, one.severity] for one in replay.differences]
    lines = [plain_table(["what differs", "then", "now", ""], rows)]
    if replay.code_differs:
        lines.append(advice(replay.original))
    elif replay.expects_same_bits:
        lines.append("none of these should change the result; expecting identical weights")
    return "\n".join(lines)


def _metrics(agreement: "Agreement") -> str:
    rows = [[pair.metric, str(pair.then), str(pair.now), f"{pair.difference:.1e}"] for pair in agreement.metrics]
    return f"\n{plain_table(['metric', 'then', 'now', 'difference'], rows)}\n\n{agreement.words}"


def _why(replay: "Replay", agreement: "Agreement") -> str:
    if replay.expects_same_bits:
        alike = f"the first {agreement.epochs_alike} epochs were identical"
        return f"different, though nothing that decides the bits has changed; {alike}"
    decisive = [one.what for one in replay.differences if one.severity == replay.differences[0].severity]
    return f"different; these decide the bits and have changed: {', '.join(decisive)}"


def main() -> None:
    """The command."""
    parser = Arguments("replay", __doc__, _EPILOG)
    parser.add_argument("run", nargs="?", metavar="RUN", help="see above")
    parser.add_argument("--all", action="store_true", help="replay all runs of the study named by --study")
    parser.add_argument("--study", metavar="NAME", help="a study, as in conf/ablation/")
    parser.add_argument(
        "--bound", type=float, default=1e-4, help="the largest difference that counts as equal, of a weight relative "
        "to the largest weight, of a metric relative to itself (default: 1e-4)",
    )  # fmt: skip
    parser.add_argument("--tag-original", action="store_true", help="also tag the run in MLflow with the verdict")
    arguments = parser.parse_args()
    if not 0 <= arguments.bound < 1:
        raise UserError(f"--bound={arguments.bound}: must be >= 0 and < 1")
    if arguments.all or arguments.study:
        if arguments.run or not (arguments.all and arguments.study):
            raise UserError("give one RUN, or --all with --study NAME: python -m src.replay --all --study ladder")
        _study(arguments.study, arguments.bound, arguments.tag_original)
        return
    if not arguments.run:
        raise UserError("give a run: an MLflow run id, a fingerprint, a prefix of either, or a run folder")
    _one(arguments.run, arguments.bound, arguments.tag_original)


if __name__ == "__main__":
    run_command(main)
