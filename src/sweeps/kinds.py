"""The kinds of studies: comparisons of variants, and tables of published experiments."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from src.reporting import comparison_report, replica_report
from src.reporting.report_folder import Report
from src.studies.comparisons import collect as comparison_results
from src.studies.comparisons import declare as comparison
from src.studies.places import Places
from src.studies.replicas import collect as replica_results
from src.studies.replicas import declare as replica
from src.studies.study import Study


class Kind(NamedTuple):
    """What differs between kinds of studies: the declaration, the results, the report."""

    declare: Callable[[str, Any], Any]  # from a study's name and the group `ablation`
    collect: Callable[[Study[Any], Sequence[Mapping[str, str]], Places], Any]  # the results, from each job's digests
    report: Callable[[Any, str, Path], Report]  # of these results; the declared name, the report's folder
    instead_of_sweeping: str  # what to do


COMPARISON = Kind(
    comparison.declare,
    comparison_results.collect,
    comparison_report.report,
    "list the alternatives under ablation.grids in conf/ablation/{study}.yaml, or give one value",
)
REPLICAS = Kind(
    replica.declare, replica_results.collect, replica_report.report, "give one value, or a list in brackets"
)


def kind_of(tree: Any) -> Kind:
    """The kind of study that the group `ablation` declares."""
    return REPLICAS if isinstance(tree, Mapping) and "published" in tree else COMPARISON
