from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from src.data.dataset import Examples
from src.nn.losses import HEADS
from src.training import metrics
from src.training.metrics import confusion, measure, predict


@pytest.mark.parametrize("class_weights", [None, (0.5, 1.0, 4.0)])
@pytest.mark.parametrize("head", HEADS, ids="+".join)
@pytest.mark.parametrize("chunk", [1, 7, 51, 102, 103])
def test_chunks_come_to_what_the_whole_set_comes_to(
    plan: Any, dataset: Any, monkeypatch: pytest.MonkeyPatch, chunk: int, head: tuple[str, str], class_weights: Any
) -> None:
    plan = plan.changed(
        model=replace(plan.model, output=head[0], loss=head[1], class_weights=class_weights),
        training=replace(plan.training, dtype="float64"),
    )
    network = plan.network()
    loss, probabilities = network.loss_and_probabilities(dataset.train.x.astype(np.float64), dataset.train.y)
    monkeypatch.setattr(metrics, "CHUNK", chunk)
    predicted = predict(network, dataset.train.x, dataset.train.y)
    assert predicted.loss == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(predicted.probabilities, probabilities, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_and_accuracy_are_sklearns(plan: Any, dataset: Any, dtype: str) -> None:
    network = plan.changed(training=replace(plan.training, dtype=dtype)).network()
    x, y, _ = dataset.train
    predicted = predict(network, x, y)
    assert predicted.probabilities.shape == (103, 3)
    assert predicted.probabilities.dtype == dtype
    assert predicted.accuracy == accuracy_score(y, predicted.probabilities.argmax(axis=1))
    p = predicted.probabilities.astype(np.float64)
    assert predicted.loss == pytest.approx(log_loss(y, p / p.sum(axis=1, keepdims=True)), rel=1e-5)


def test_class_weights_weigh_the_loss_and_not_the_accuracy(plan: Any, dataset: Any) -> None:
    weights = (0.5, 1.0, 4.0)
    x, y, _ = dataset.train
    plain = predict(plan.network(), x, y)
    weighted = predict(plan.changed(model=replace(plan.model, class_weights=weights)).network(), x, y)
    np.testing.assert_array_equal(weighted.probabilities, plain.probabilities)
    assert weighted.accuracy == plain.accuracy
    p = plain.probabilities.astype(np.float64)
    expected = log_loss(y, p / p.sum(axis=1, keepdims=True), sample_weight=np.array(weights)[y])
    assert weighted.loss == pytest.approx(expected, rel=1e-5)


def test_accuracy_is_a_fraction_at_both_ends(plan: Any, dataset: Any) -> None:
    network, x = plan.network(), dataset.train.x
    right = predict(network, x, dataset.train.y).probabilities.argmax(axis=1)
    assert predict(network, x, right).accuracy == 1
    assert predict(network, x, (right + 1) % 3).accuracy == 0


def test_prediction_repeats_itself_to_the_bit_and_reads_read_only_arrays(plan: Any, dataset: Any) -> None:
    network = plan.network()
    x, y = dataset.train.x.copy(), dataset.train.y.copy()
    x.flags.writeable = y.flags.writeable = False
    one, other = predict(network, x, y), predict(network, x, y)
    assert one.probabilities.tobytes() == other.probabilities.tobytes()
    assert (one.loss, one.accuracy) == (other.loss, other.accuracy)


@pytest.mark.parametrize("classes", [2, 5, 10])
@pytest.mark.parametrize("seed", range(3))
def test_confusion_is_sklearns(classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, predicted = rng.integers(0, classes, 200), rng.integers(0, classes, 200)
    counts = confusion(y, predicted, classes)
    np.testing.assert_array_equal(counts, confusion_matrix(y, predicted, labels=range(classes)))
    assert counts.sum() == 200


def test_confusion_has_a_row_and_a_column_for_classes_that_do_not_occur() -> None:
    counts = confusion(np.array([1, 1]), np.array([1, 2]), 5)
    assert counts.shape == (5, 5)
    assert (counts[1, 1], counts[1, 2], counts.sum()) == (1, 1, 2)


def test_a_single_output_counts_once(plan: Any, dataset: Any) -> None:
    x, y = dataset.train.x, (dataset.train.y == 1).astype(np.int64)
    model = replace(plan.model, output="sigmoid", loss="binary_cross_entropy", single_output=True, dropout=0.0)
    network = model.network(6, 2, y, "float64")
    model.initialize(network, np.random.SeedSequence(1))
    found = measure(network, Examples(x, y), ("binary_cross_entropy", "squared_error", "f1"))
    assert found.further["binary_cross_entropy"] == pytest.approx(found.loss, rel=1e-9)
    p = found.predictions.probabilities[:, 1]
    assert found.further["squared_error"] == pytest.approx(np.mean((p - y) ** 2))
    assert found.further["f1"] == pytest.approx(f1_score(y, found.predictions.labels, average="weighted"))


def test_the_threshold_decides(plan: Any, dataset: Any) -> None:
    x, y = dataset.train.x, (dataset.train.y == 1).astype(np.int64)
    for threshold in (0.2, 0.5, 0.8):
        model = replace(plan.model, output="sigmoid", loss="mse", single_output=True, threshold=threshold)
        network = model.network(6, 2, y, "float64")
        model.initialize(network, np.random.SeedSequence(1))
        predicted = predict(network, x, y)
        np.testing.assert_allclose(predicted.probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(predicted.labels, predicted.probabilities[:, 1] >= threshold)
