from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
)

from src.data.dataset import Examples
from src.nn.arithmetic import NATIVE
from src.nn.losses import HEADS
from src.training import metrics
from src.training.metrics import LOSSES, METRICS, SCORES, confusion, measure, predict, scores


@pytest.mark.parametrize("class_weights", [None, (0.5, 1.0, 4.0)])
@pytest.mark.parametrize("head", HEADS, ids="+".join)
@pytest.mark.parametrize("chunk", [1, 7, 51, 102, 103])
def test_chunks_give_what_the_whole_set_gives(
    plan: Any, dataset: Any, monkeypatch: pytest.MonkeyPatch, chunk: int, head: tuple[str, str], class_weights: Any
) -> None:
    plan = plan.changed(
        model={"output": head[0], "loss": head[1], "class_weights": class_weights}, train={"dtype": "float64"}
    )
    network = plan.network()
    loss, probabilities = network.loss_and_probabilities(dataset.train.x.astype(np.float64), dataset.train.y)
    monkeypatch.setattr(metrics, "CHUNK", chunk)
    predicted = predict(network, dataset.train.x, dataset.train.y)
    assert predicted.loss == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(predicted.probabilities, probabilities, rtol=1e-12)


@pytest.mark.parametrize("class_weights", [None, (0.5, 1.0, 4.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_and_accuracy_are_sklearns_and_class_weights_weigh_the_loss_alone(
    plan: Any, dataset: Any, dtype: str, class_weights: Any
) -> None:
    plan = plan.changed(train={"dtype": dtype})
    x, y, _ = dataset.train
    predicted = predict(plan.changed(model={"class_weights": class_weights}).network(), x, y)
    np.testing.assert_array_equal(predicted.probabilities, predict(plan.network(), x, y).probabilities)
    assert (predicted.probabilities.shape, predicted.probabilities.dtype) == ((103, 3), dtype)
    assert predicted.accuracy == accuracy_score(y, predicted.probabilities.argmax(axis=1))
    p = predicted.probabilities.astype(np.float64)
    weights = None if class_weights is None else np.array(class_weights)[y]
    expected = log_loss(y, p / p.sum(axis=1, keepdims=True), sample_weight=weights)
    assert predicted.loss == pytest.approx(expected, rel=1e-5)


CLASSES = 5
PAIRS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)


@given(pairs=PAIRS)
def test_confusion_and_scores_are_sklearns_also_if_a_class_is_missing(pairs: list[tuple[int, int]]) -> None:
    y, predicted = np.array(pairs).T
    counts = confusion(y, predicted, CLASSES)
    np.testing.assert_array_equal(counts, confusion_matrix(y, predicted, labels=range(CLASSES)))
    asked: dict[str, Any] = {"labels": range(CLASSES), "zero_division": 0}
    *each, _ = precision_recall_fscore_support(y, predicted, **asked)
    np.testing.assert_allclose(scores(counts), each, rtol=1e-14)
    p = np.zeros((len(y), CLASSES))
    for prefix, average in (("", "weighted"), ("macro_", "macro")):
        expected = precision_recall_fscore_support(y, predicted, **asked, average=average)
        assert [METRICS[f"{prefix}{name}"](NATIVE, p, predicted, y) for name in SCORES] == pytest.approx(expected[:3])


def single_output(plan: Any, y: np.ndarray, **settings: Any) -> Any:
    model = plan.changed(model={"output": "sigmoid", "single_output": True, "dropout": 0.0, **settings}).model
    network = model.network(6, 2, y, "float64")
    model.initialize(network, np.random.SeedSequence(1))
    return network


def test_a_single_output_counts_once(plan: Any, dataset: Any) -> None:
    x, y = dataset.train.x, (dataset.train.y == 1).astype(np.int64)
    network = single_output(plan, y, loss="binary_cross_entropy")
    names = ("binary_cross_entropy", "squared_error", "f1", "mae", "rmse")
    predicted, further = measure(network, Examples(x, y), names)
    assert further["binary_cross_entropy"] == pytest.approx(predicted.loss, rel=1e-9)
    assert further["squared_error"] == pytest.approx(np.mean((predicted.probabilities[:, 1] - y) ** 2))
    assert further["mae"] == pytest.approx(np.mean(np.abs(predicted.probabilities[:, 1] - y)))
    assert further["rmse"] == pytest.approx(further["squared_error"] ** 0.5)
    assert further["f1"] == pytest.approx(f1_score(y, predicted.labels, average="weighted"))


def test_mae_and_rmse_are_sklearns_over_examples_and_outputs(plan: Any, dataset: Any) -> None:
    predicted, further = measure(plan.network(), dataset.valid, ("mae", "rmse", "squared_error"))
    target = np.eye(3)[dataset.valid.y]
    assert further["mae"] == pytest.approx(mean_absolute_error(target, predicted.probabilities), rel=1e-6)
    assert further["rmse"] == pytest.approx(mean_squared_error(target, predicted.probabilities) ** 0.5, rel=1e-6)
    assert further["rmse"] == pytest.approx((further["squared_error"] / 3) ** 0.5)
    assert {"mae", "rmse"} <= set(LOSSES)  # smaller is better, so early stopping can monitor them


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_the_threshold_decides(plan: Any, dataset: Any, threshold: float) -> None:
    x, y = dataset.train.x, (dataset.train.y == 1).astype(np.int64)
    predicted = predict(single_output(plan, y, loss="mse", threshold=threshold), x, y)
    np.testing.assert_allclose(predicted.probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(predicted.labels, predicted.probabilities[:, 1] >= threshold)
