"""Replays a run: does this machine, this code and these data still come to that result?

RUN is an MLflow run id or a unique beginning of one, a run's folder, or its fingerprint or the beginning of that. The
run is trained again beside its record, which is not touched, and weights and metrics are compared: bit-identical,
numerically equal (within the bound), or different, with what differs between then and now.
"""

import argparse
from typing import TYPE_CHECKING

from src.cli.arguments import Arguments
from src.cli.command import run_command
from src.foundation.errors import RunFailed, UserError

if TYPE_CHECKING:
    from src.replays.again import Prepared
    from src.replays.judgement import Judgement
    from src.replays.original import Original

_EPILOG = """\
examples:
  python -m src.replay 2f9c41                         by the beginning of an id or of a fingerprint
  python -m src.replay runs/2f9c41...                 by its folder
  python -m src.replay 2f9c41 --tag-original          the run in MLflow gets the verdict, too, as a tag
  python -m src.replay --all --study ladder           all runs of a study, in parallel, and a table

exit codes: 0 bit-identical or numerically equal; 1 different, or it can't be replayed; 2 the input is wrong
"""


def _one(original: "Original", bound: float, tag_original: bool) -> None:
    from src.replays.again import again, prepared
    from src.replays.recording import record, tag_originals
    from src.reporting.console import EpochLines

    ready = prepared(original)
    print(_header(original))
    print(_told_differences(ready), flush=True)
    judgement = again(ready, EpochLines(ready.config.train.epochs), bound)
    print(_told_judgement(judgement), flush=True)
    replays = record([(ready, judgement)])
    if tag_original:
        tag_originals([(ready, judgement)], replays)
    print(f"replay        {ready.folder.path}")
    for run_id in filter(None, replays.values()):
        print(f"MLflow run    {run_id}")
    if not judgement.good:
        raise RunFailed(_why(ready, judgement))


def _study(name: str, bound: float, tag_original: bool) -> None:
    from src.replays.judgement import IDENTICAL
    from src.replays.recording import record, tag_originals
    from src.replays.study import originals, replayed
    from src.reporting.tables import plain_table

    found = originals(name)
    print(f"replaying {len(found)} runs of {name}", flush=True)
    rows: list[list[str]] = []
    judged: list[tuple[Prepared, Judgement]] = []
    failed = 0
    for original, ready, judgement, reason in replayed(found, bound):
        if ready is None or judgement is None:
            failed += 1
            rows.append([original.name, original.fingerprint[:12], "-", "-", f"failed: {reason}"])
            continue
        if not judged:  # all were trained by the same code, and on the same data
            print(_told_differences(ready), flush=True)
        judged.append((ready, judgement))
        test = next(one for one in judgement.metrics if one.metric == "test/accuracy")
        rows.append(
            [original.name, original.fingerprint[:12], f"{test.then:.2%}", f"{test.now:.2%}", judgement.verdict]
        )
    header = ["run", "fingerprint", "test then", "test now", "verdict"]
    print(f"\n{plain_table(header, rows, width=60)}\n", flush=True)
    replays = record(judged)
    if tag_original:
        tag_originals(judged, replays)
    if bad := failed + sum(not judgement.good for _, judgement in judged):
        raise RunFailed(f"{bad} of {len(rows)} runs do not come to the same")
    identical = sum(judgement.verdict == IDENTICAL for _, judgement in judged)
    others = f", {len(rows) - identical} numerically equal" if identical < len(rows) else ""
    print(f"{identical} of {len(rows)} runs are bit-identical{others}")


def _header(original: "Original") -> str:
    known_as = f", MLflow run {original.run_id}" if original.run_id else ""
    return f"replaying {original.name}: {original.fingerprint[:12]}{known_as}"


def _told_differences(ready: "Prepared") -> str:
    from src.reporting.tables import plain_table

    if not ready.differences:
        return "nothing differs between then and now: the same bits are due"
    rows = [[one.what, one.then, one.now, one.severity] for one in ready.differences]
    lines = [plain_table(["what differs", "then", "now", ""], rows)]
    if ready.code_differs:
        lines.append(ready.code_of_then)
    elif ready.bits_are_due:
        lines.append("none of it should decide the bits: the same ones are due")
    return "\n".join(lines)


def _told_judgement(judgement: "Judgement") -> str:
    from src.reporting.tables import plain_table

    rows = [[one.metric, str(one.then), str(one.now), f"{one.difference:.1e}"] for one in judgement.metrics]
    return f"\n{plain_table(['metric', 'then', 'now', 'differs by'], rows)}\n\n{judgement.words}"


def _why(ready: "Prepared", judgement: "Judgement") -> str:
    if ready.bits_are_due:
        return f"different, though nothing differs that decides the bits; {judgement.epochs_alike} epochs were alike"
    decisive = [one.what for one in ready.differences if one.severity == ready.differences[0].severity]
    return f"different; what decides the bits and is otherwise now: {', '.join(decisive)}"


def main() -> None:
    """The command."""
    parser = Arguments(
        prog="python -m src.replay",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", nargs="?", metavar="RUN", help="the run, see above")
    parser.add_argument("--all", action="store_true", help="all runs of the study that --study names")
    parser.add_argument("--study", metavar="NAME", help="a study, as in conf/ablation/")
    parser.add_argument(
        "--bound", type=float, default=1e-4, help="the largest difference that counts as equal: of a weight in "
        "relation to the largest one, of a metric in relation to itself (default: 1e-4)",
    )  # fmt: skip
    parser.add_argument("--tag-original", action="store_true", help="put the verdict on the run in MLflow, too")
    given = parser.parse_args()
    if not 0 <= given.bound < 1:
        raise UserError(f"--bound={given.bound}: must be >= 0 and < 1")
    if given.all or given.study:
        if given.run or not (given.all and given.study):
            raise UserError("give one RUN, or --all with --study NAME: python -m src.replay --all --study ladder")
        _study(given.study, given.bound, given.tag_original)
        return
    if not given.run:
        raise UserError("which run? give an MLflow run id, a fingerprint, the beginning of either, or a run's folder")
    from src.replays.finding import found

    _one(found(given.run), given.bound, given.tag_original)


if __name__ == "__main__":
    run_command(main)
