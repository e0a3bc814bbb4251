"""What a table of published experiments may declare, and how everything else is refused."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.foundation.errors import UserError
from src.studies.replicas.claims import Claim
from src.studies.replicas.declare import ReplicaDeclaration, declare
from src.studies.study import Case
from src.sweeps.run_study import COMPARISON, REPLICAS, kind_of
from src.training.metrics import LOSSES, METRICS
from tests.helpers.refusals import refusal

PLAIN = {"metric": "test/accuracy", "value": 0.5, "digits": 2}
WORDS = {"metric": "train/accuracy", "says": "that worked", "least": 0.99}
SCORES = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3}
ROWS = {"columns": ["train/loss", "valid/accuracy"], "digits": [4, 3], "values": [[0.1, 0.8], [0.05, 0.9]]}


def tree(*claims: Any, **about: Any) -> dict[str, Any]:
    """A table with one experiment, which has these claims."""
    experiment = {"text": "a", "claims": list(claims or [PLAIN]), **about}
    return {"title": "?", "texts": {"a": {"title": "A text"}}, "published": {"one": experiment}}


def declared(*claims: Any, **about: Any) -> ReplicaDeclaration:
    return declare("mine", tree(*claims, **about))


# --- what may be declared --------------------------------------------------------------------------------------------


def test_an_experiment_has_its_claims_in_their_order() -> None:
    declaration = declared(PLAIN, {**PLAIN, "metric": "valid/loss", "epoch": 10, "note": "a quirk"}, WORDS, note="why")
    [one] = declaration.experiments
    assert (one.name, one.text, one.note, one.seeds, one.seed) == ("one", "a", "why", None, None)
    assert [claim.metric for claim in one.claims] == ["test/accuracy", "valid/loss", "train/accuracy"]
    assert (one.claims[1].epoch, one.claims[1].note, one.claims[0].epoch) == (10, "a quirk", None)
    assert (one.claims[2].says, one.claims[2].least) == ("that worked", 0.99)
    assert [group.words for group in one.groups] == [claim.words for claim in one.claims]


def test_an_experiment_is_trained_with_the_text_s_draws_where_they_are_known_and_with_ours() -> None:
    more = {"seed": 42, "same_draws": ["rng=legacy"], "ours": ["rng=default"], "seeds": 3}
    [one] = declared(**more).experiments
    assert one.cases["same_draws"] == Case("one, same draws", ["experiment=one", "rng=legacy"], [42])
    assert one.cases["ours"] == Case("one", ["experiment=one", "rng=default"], range(3))
    assert [*declared().experiments[0].cases] == ["ours"]
    # Part by part, as far as it is asked for.
    whole = tree(**more)
    assert [case.name for case in declare("mine", whole).cases] == ["one, same draws", "one"]
    for part, names in (("ours", ["one"]), ("same_draws", ["one, same draws"])):
        assert [case.name for case in declare("mine", whole | {"parts": [part]}).cases] == names


@pytest.mark.parametrize(("more", "epochs"), [({}, (1, 2)), ({"first": 0, "every": 20}, (0, 20))])
def test_a_printed_table_is_a_claim_a_number(more: dict[str, int], epochs: tuple[int, int]) -> None:
    assert declared(rows=None) == declared()
    [one] = declared(rows={**ROWS, **more}).experiments
    told = [(claim.metric, claim.epoch, claim.value, claim.digits) for claim in one.every_claim[:4]]
    assert told == [
        ("train/loss", epochs[0], 0.1, 4),
        ("valid/accuracy", epochs[0], 0.8, 3),
        ("train/loss", epochs[1], 0.05, 4),
        ("valid/accuracy", epochs[1], 0.9, 3),
    ]
    assert one.groups[0].words == "2 rows of training loss and validation accuracy"


def test_scores_are_a_claim_a_number_of_all_or_of_a_class() -> None:
    [one] = declared(scores=[SCORES, {**SCORES, "of": "c1", "digits": 3}]).experiments
    told = [(claim.metric, claim.label, claim.value, claim.digits) for claim in one.every_claim[len(one.claims) :]]
    assert told == [
        (f"test/{name}", label, SCORES[name], digits)
        for label, digits in ((None, 15), ("c1", 3))
        for name in ("precision", "recall", "f1")
    ]
    [one] = declared(scores=[{**SCORES, "macro": True, "with_dropout": True}, {**SCORES, "of": "c1"}]).experiments
    assert one.groups[-1].words == "precision, recall and F1 of c1 and with dropout of all classes (macro)"
    assert one.every_claim[len(one.claims)].metric == "test/macro_precision_with_dropout"


def test_only_some_of_the_experiments() -> None:
    whole = tree() | {"published": {name: {"text": "a"} for name in ("one", "two", "three")}}
    assert [each.name for each in declare("mine", whole).experiments] == ["one", "two", "three"]
    some = declare("mine", whole | {"only": ["three", "one"]})
    assert [each.name for each in some.experiments] == ["one", "three"]
    assert some.of("a") == some.experiments


def test_a_study_is_no_table() -> None:
    assert kind_of(tree()) is REPLICAS
    for other in (None, [], "published", {"title": "?", "variants": {}}):
        assert kind_of(other) is COMPARISON


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"metric": "test/f1"}, "test F1"),
        ({"metric": "valid/binary_cross_entropy", "epoch": 10}, "validation binary cross-entropy, epoch 10"),
        ({"metric": "train/loss", "epoch": 0}, "training loss, before training"),
        ({"metric": "new/c1", "at": (0.1, 2.0)}, "probability of c1 at (0.1, 2)"),
        ({"metric": "test/f1", "label": "c1"}, "test F1 of c1"),
    ],
)
def test_what_a_claim_is_about_in_words(about: dict[str, Any], words: str) -> None:
    assert Claim(**about).words == words


def test_every_metric_that_is_no_loss_is_a_share_that_is_better_when_larger() -> None:
    shares = {"accuracy", "precision", "recall", "f1", "macro_precision", "macro_recall", "macro_f1"}
    assert {*METRICS} - {*LOSSES} <= shares


# --- what may not ----------------------------------------------------------------------------------------------------

CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "no metric": ({"value": 1.0, "digits": 1}, "claims[0].metric: missing"),
    "a metric of no set": ({**PLAIN, "metric": "tset/accuracy"}, "claims[0].metric=tset/accuracy: unknown; allowed: "),
    "a metric without a quantity": ({**PLAIN, "metric": "test"}, "claims[0].metric=test: unknown"),
    "no value": ({"metric": "test/accuracy", "digits": 2}, "claims[0].value: give either value with digits"),
    "a value and words": ({**PLAIN, **WORDS}, "claims[0].value: give either value with digits"),
    "no digits": ({"metric": "test/accuracy", "value": 0.5}, "claims[0].digits: missing; value needs it"),
    "a value that is none": ({**PLAIN, "value": float("nan")}, "claims[0].value=nan: must be a finite number"),
    "words without a bound": ({"metric": "test/accuracy", "says": "fine"}, "claims[0].least: missing; says needs it"),
    "a bound without words": ({**PLAIN, "least": 0.9}, "claims[0].least=0.9: not allowed with value"),
    "words with digits": ({**WORDS, "digits": 2}, "claims[0].digits=2: not allowed with says"),
    "an epoch of the test set": ({**PLAIN, "epoch": 3}, "claims[0].epoch=3: test/accuracy is measured only at the end"),
    "a new point that is nowhere": ({**PLAIN, "metric": "new/c1"}, "claims[0].at=[]: needed for the metric new/CLASS"),
    "a place of no new point": ({**PLAIN, "at": [0.1]}, "claims[0].at=[0.1]: needed for the metric new/CLASS"),
    "a class of an accuracy": ({**PLAIN, "label": "7"}, "claims[0].label=7: test/accuracy has no classes; allowed: "),
    "more digits than a float has": ({**PLAIN, "digits": 18}, "claims[0].digits=18: must be an integer >= 0 and <= 17"),
    "an unknown key": ({**PLAIN, "valeu": 1}, "claims[0].valeu=1: no such key; did you mean value?"),
    "a claim in one word": ("test/accuracy", "claims[0]=test/accuracy: must be a group of keys"),  # type: ignore[dict-item]
}
ABOUT: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown text": ({"text": "b"}, ".text=b: no such text; allowed: a"),
    "a negative seed": ({"seed": -1}, ".seed=-1: must be an integer >= 0 and <= 4294967295"),
    "no runs of ours": ({"seeds": 0}, ".seeds=0: must be an integer >= 1 and <= 1000"),
    "a list of seeds": ({"seeds": [1, 2]}, ".seeds=[1, 2]: must be an integer >= 1"),
    "draws without a seed": ({"same_draws": ["rng=legacy"]}, ".seed: missing; same_draws=['rng=legacy'] needs"),
    "no override": ({"ours": ["rng"]}, ": rng: must be KEY=VALUE, as on the command line"),
    "a lesson of nothing": ({"lessons": [{"says": "x"}]}, ".lessons[0].least: give either least, or than"),
    "a lesson of two things": (
        {"lessons": [{"says": "x", "least": 0.9, "than": "one"}]},
        ".lessons[0].least: give either least, or than",
    ),
    "a distance from nothing": (
        {"lessons": [{"says": "x", "least": 0.9, "by": 0.1}]},
        ".lessons[0].by=0.1: not allowed with least",
    ),
    "a lesson about nothing": (
        {"lessons": [{"says": "x", "metric": "tset/accuracy", "least": 1}]},
        ".lessons[0].metric=tset/accuracy: unknown",
    ),
    "a lesson against nothing": (
        {"lessons": [{"says": "x", "than": "noe"}]},
        ".lessons: than=noe: no such experiment; did you mean one?",
    ),
    "a mean over one class": (
        {"scores": [{**SCORES, "of": "c1", "macro": True}]},
        ".scores[0].macro=true: not allowed with of=c1, which is a single class",
    ),
    "a score without its recall": ({"scores": [{"precision": 1.0, "f1": 1.0}]}, ".scores[0].recall: missing"),
    "a table that goes backwards": ({"rows": {**ROWS, "every": -1}}, ".rows.every=-1: must be an integer >= 1"),
    "a short row": ({"rows": {**ROWS, "values": [[0.1]]}}, ".rows.values[0]=[0.1]: must be 2, one per column"),
    "digits of fewer columns": ({"rows": {**ROWS, "digits": [4]}}, ".rows.digits=[4]: must be 2, one per column"),
    "an unknown column": ({"rows": {**ROWS, "columns": ["a", "b"]}}, ".rows.columns[0].metric=a: unknown"),
    "a column of the test set": (
        {"rows": {**ROWS, "columns": ["train/loss", "test/loss"]}},
        ".rows.columns[1].epoch=1: test/loss is measured only at the end",
    ),
    "no rows": ({"rows": {**ROWS, "values": []}}, ".rows: empty; needs columns, digits and values"),
    "nothing in its rows": (
        {"rows": {"columns": [], "digits": [], "values": []}},
        ".rows: empty; needs columns, digits and values",
    ),
    "rows without digits": ({"rows": {k: v for k, v in ROWS.items() if k != "digits"}}, ".rows.digits: missing"),
    "another name": ({"name": "two"}, ".name=two: no such key"),
}
TREES: dict[str, tuple[Any, str]] = {
    "no texts": ({k: v for k, v in tree().items() if k != "texts"}, "ablation.texts=null: must be a group of names"),
    "nothing published": (tree() | {"published": None}, "ablation.published=null: must be a group of names"),
    "a list of experiments": (tree() | {"published": ["one"]}, "ablation.published=['one']: must be a group of names"),
    "an experiment of nothing": (tree() | {"published": {"one": None}}, "ablation.published.one=null: must be a group"),
    "only an unknown part": (tree() | {"parts": ["us"]}, "ablation.parts[0]=us: unknown; did you mean ours?"),
    "only an unknown one": (tree() | {"only": ["noe"]}, "ablation.only=noe: no such experiment; did you mean one?"),
    "an unknown key": (tree() | {"variants": {}}, "ablation.variants={}: no such key; "),
}


REFUSED = [
    *((tree(claim), f"ablation.published.one.{told}") for claim, told in CLAIMS.values()),
    *((tree(**about), f"ablation.published.one{told}") for about, told in ABOUT.values()),
    *TREES.values(),
]


@pytest.mark.parametrize(("given", "told"), REFUSED, ids=[*CLAIMS, *ABOUT, *TREES])
def test_a_table_that_is_not_right_is_refused_with_its_key(given: Any, told: str) -> None:
    assert refusal(declare, "mine", given).startswith(told)


LEAVES = st.none() | st.booleans() | st.integers(-2, 20) | st.floats() | st.text(max_size=6) | st.just("test/accuracy")
ANY = st.recursive(LEAVES, lambda t: st.lists(t, max_size=2) | st.dictionaries(st.text(max_size=6), t, max_size=2))
KEYS = st.sampled_from(["metric", "epoch", "at", "label", "value", "digits", "says", "least", "rerun", "note", "more"])
ABOUT_ONE = ["text", "seed", "seeds", "same_draws", "ours", "claims", "rows", "scores", "lessons", "note"]


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(KEYS, ANY, max_size=3),
    st.dictionaries(st.sampled_from(ABOUT_ONE), ANY, max_size=1),
)
def test_any_tree_is_a_table_or_is_refused_in_one_line(changes: dict[str, Any], about: dict[str, Any]) -> None:
    given = tree({**PLAIN, **changes}, **about)
    before = copy.deepcopy(given)
    message = ""
    try:
        declaration = declare("mine", given)
        assert [each.name for each in declaration.experiments] == ["one"]
    except UserError as error:
        message = str(error)
    assert not message or message.startswith("ablation.published.one")
    assert len(message.splitlines()) <= 1
    assert repr(given) == repr(before)  # of nan, too, which is not equal to itself
