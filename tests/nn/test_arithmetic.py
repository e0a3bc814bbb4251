"""Portable arithmetic: functions to within ulps, products that no order changes, and nothing of a C library."""

import ast
import decimal
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.nn.activations import ACTIVATIONS
from src.nn.arithmetic import ARITHMETICS, NATIVE
from src.nn.arithmetic import elementary as functions
from src.nn.arithmetic.operations import MOST_TERMS
from src.nn.arithmetic.portable import Portable
from src.nn.initializers import INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network
from tests.conftest import ROOT

RNG = np.random.default_rng(8)
DIGITS = decimal.Context(prec=60)
FLOATS = st.floats(-1e30, 1e30)


def exact_tanh(x: Decimal) -> Decimal:
    if abs(x) < Decimal("1e-12"):
        return DIGITS.subtract(x, DIGITS.divide(DIGITS.power(x, Decimal(3)), Decimal(3)))
    e = DIGITS.exp(DIGITS.multiply(Decimal(2), x))
    return DIGITS.divide(DIGITS.subtract(e, Decimal(1)), DIGITS.add(e, Decimal(1)))


def exact_sigmoid(x: Decimal) -> Decimal:
    return DIGITS.divide(Decimal(1), DIGITS.add(Decimal(1), DIGITS.exp(-x)))


def exact_softplus(x: Decimal) -> Decimal:
    return DIGITS.ln(DIGITS.add(Decimal(1), DIGITS.exp(x)))


NEAR, FAR, TINY = RNG.uniform(-1, 1, 2000), RNG.uniform(-40, 40, 2000), 10 ** RNG.uniform(-300, 0, 500)
# function -> its value by `decimal`, ulps, where
ACCURACY: dict[str, tuple[Callable[[Decimal], Decimal], float, np.ndarray]] = {
    "exp": (DIGITS.exp, 1, np.concatenate([RNG.uniform(-745, 709.7, 3000), NEAR, FAR])),
    "log": (DIGITS.ln, 1, np.concatenate([np.exp(RNG.uniform(-744, 709, 3000)), RNG.uniform(0.5, 2, 3000), TINY])),
    "tanh": (exact_tanh, 2, np.concatenate([NEAR, RNG.uniform(0.6, 0.65, 2000), FAR / 2, TINY])),
    "sigmoid": (exact_sigmoid, 3, np.concatenate([NEAR, FAR, TINY])),
    "softplus": (exact_softplus, 4, np.concatenate([NEAR, FAR, TINY])),
}


@pytest.mark.parametrize("name", ACCURACY)
def test_functions_are_within_ulps_of_the_true_value(name: str) -> None:
    exact, ulps, x = ACCURACY[name]
    found = getattr(functions, name)(x)
    worst = max(
        float(abs(Decimal(float(y)) - (true := exact(Decimal(float(at))))) / Decimal(math.ulp(float(true))))
        for at, y in zip(x, found, strict=True)
    )
    assert worst < ulps


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_in_float32_they_are_rounded_once(name: str) -> None:
    exact, _, _ = ACCURACY[name]
    x = np.concatenate([NEAR, FAR, TINY[TINY > 1e-30]]).astype(np.float32)
    found = np.empty_like(x)
    getattr(Portable(10), name)(x, found)
    worst = max(
        float(
            abs(Decimal(float(y)) - (true := exact(Decimal(float(at))))) / Decimal(float(np.spacing(np.float32(true))))
        )
        for at, y in zip(x, found, strict=True)
    )
    assert worst < 0.51


def test_special_values() -> None:
    inf, nan, least = math.inf, math.nan, 5e-324
    for name, pairs in {
        "exp": [
            (0.0, 1.0),
            (-0.0, 1.0),
            (inf, inf),
            (-inf, 0.0),
            (nan, nan),
            (-745.1, least),
            (-746.0, 0.0),
            (710, inf),
        ],
        "log": [(0.0, -inf), (-0.0, -inf), (-1.0, nan), (inf, inf), (nan, nan), (1.0, 0.0)],
        "tanh": [(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (nan, nan), (least, least)],
        "sigmoid": [(0.0, 0.5), (inf, 1.0), (-inf, 0.0), (nan, nan), (-1e4, 0.0), (1e4, 1.0)],
        "softplus": [(inf, inf), (-inf, 0.0), (nan, nan), (-1e4, 0.0), (1e4, 1e4)],
    }.items():
        x, expected = np.array(pairs, np.float64).T
        found = getattr(functions, name)(x)
        np.testing.assert_array_equal(found, expected, err_msg=name)
        np.testing.assert_array_equal(np.signbit(found[x == 0]), np.signbit(expected[x == 0]), err_msg=name)


@given(st.lists(FLOATS, min_size=1, max_size=30), st.sampled_from([3, 784, 1025, 1 << 20, MOST_TERMS]))
def test_an_operand_is_the_nearest_point_of_its_grid_in_either_type(values: list[float], terms: int) -> None:
    ops = Portable(terms)
    single = np.array(values, np.float32)
    operand = ops.operand(single, "a").copy()
    assert operand.dtype == np.float64
    np.testing.assert_array_equal(operand, ops.operand(single.astype(np.float64), "b"))
    bound = Fraction(2) ** math.frexp(float(np.abs(single).max()))[1]
    unit = bound / 2**ops.bits
    for value, rounded in zip(single, operand, strict=True):
        there = Fraction(float(rounded)) / unit
        assert there.denominator == 1
        assert there == round(Fraction(float(value)) / unit)  # ties to even
        assert abs(there) <= 2**ops.bits


@pytest.mark.parametrize("terms", [1, 2, 7, 784, 1 << 12])
def test_products_are_the_exact_sums_in_any_order(terms: int) -> None:
    ops = Portable(terms)
    a = ops.operand(RNG.standard_normal((3, terms)) * 10 ** RNG.uniform(-6, 6, (3, 1)), "a")
    b = ops.operand(RNG.standard_normal((terms, 2)), "b")
    found = np.empty((3, 2))
    ops.matmul(a, b, found)
    order = RNG.permutation(terms)
    np.testing.assert_array_equal(found, np.ascontiguousarray(a[:, order]) @ np.ascontiguousarray(b[order]))
    for i in range(3):
        for j in range(2):
            assert Fraction(float(found[i, j])) == sum(
                Fraction(float(p)) * Fraction(float(q)) for p, q in zip(a[i], b[:, j], strict=True)
            )
    narrow = np.empty((3, 2), np.float32)
    ops.matmul(a, b, narrow)
    np.testing.assert_array_equal(narrow, found.astype(np.float32))


def test_a_grid_leaves_what_is_not_finite_to_be_seen() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        for dtype in ("float32", "float64"):
            with np.errstate(invalid="ignore"):
                assert not np.isfinite(Portable(9).operand(np.array([1.0, bad], dtype), "a")).all()


@pytest.mark.parametrize("terms", [1, 2, 1 << 20, MOST_TERMS])
def test_there_are_at_least_12_bits(terms: int) -> None:
    bits = Portable(terms).bits
    assert 2 * bits + (terms - 1).bit_length() <= 53
    assert bits >= 12
    assert Portable(MOST_TERMS + 1).bits < 12


@given(st.floats(0, 1))
def test_cosines_are_correctly_rounded(x: float) -> None:
    found = Portable(1).cos_pi(x)
    assert found == pytest.approx(math.cos(math.pi * x), abs=5e-16)  # which rounds pi, the product and the cosine
    assert Portable(1).cos_pi(1 - x) == -found or x != 1 - (1 - x)


def test_scalars() -> None:
    ops = Portable(1)
    assert [ops.cos_pi(x) for x in (0.0, 0.5, 1.0)] == [1.0, 0.0, -1.0]
    assert ops.cos_pi(1 / 3) == 0.5000000000000000277  # of the double nearest to 1/3, which is less
    assert ops.power(0.9, 0) == 1
    assert ops.power(0.9, 3) == 0.9 * (0.9 * 0.9)
    assert ops.power(0.01, 0.5) == 0.1
    assert ops.power(0.5, 1.5) == pytest.approx(0.5**1.5, rel=1e-15)
    squares = RNG.standard_normal(1000).astype(np.float32)
    assert ops.norm(squares) == pytest.approx(float(np.linalg.norm(squares.astype(np.float64))), rel=1e-12)
    assert ops.norm(np.array([3e30, 4e30], np.float32)) == pytest.approx(5e30, rel=1e-7)
    for beyond in (np.full(600, 1e153), np.full(4, 1e300), np.array([np.inf, 1.0])):
        assert math.isnan(ops.norm(beyond))
    assert math.isnan(ops.total(np.full(4, 1e308)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("head", HEADS, ids="+".join)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_a_network_computes_the_same_up_to_its_grid(act: str, head: tuple[str, str], dtype: str) -> None:
    x, y = RNG.standard_normal((40, 8)).astype(dtype), RNG.integers(0, 3, 40)
    found = {}
    for name in ARITHMETICS:
        network = Network(
            (8, 7, 5, 3),
            [ACTIVATIONS[act]] * 2,
            HEADS[head],
            dropout=[0.2, 0.0],
            class_weights=np.array([1.0, 2.0, 0.5]),
            dtype=dtype,
            arithmetic=ARITHMETICS[name](40),
        )
        network.initialize(INITIALIZERS["glorot"], Spread(0.1, 0.1), np.random.SeedSequence(6))
        loss = network.loss_and_gradient(x, y, np.random.default_rng(1))
        p = network.loss_and_probabilities(x, y)[1]
        found[name] = (loss, network.gradient.theta, p)
        assert type(loss) is float
        assert network.gradient.theta.dtype == p.dtype == dtype
    (loss, gradient, p), (portable_loss, portable_gradient, portable_p) = found["native"], found["portable"]
    assert portable_loss == pytest.approx(loss, rel=2e-6)
    assert np.linalg.norm(portable_gradient - gradient) < 2e-6 * np.linalg.norm(gradient)
    np.testing.assert_allclose(portable_p, p, atol=2e-6)


# What differs between C libraries, versions of NumPy, SIMD levels or kernels of a BLAS (called, or as an operator).
UNSAFE = {
    *(
        "exp",
        "log",
        "tanh",
        "sin",
        "cos",
        "tan",
        "log1p",
        "expm1",
        "exp2",
        "log2",
        "log10",
        "cbrt",
        "hypot",
        "logaddexp",
    ),
    *("arctan", "sinh", "cosh", "einsum", "vdot", "dot", "inner", "norm", "corrcoef", "std", "var", "pow", "matmul"),
    *("standard_normal", "normal", "float_power"),
}
# Where they are meant: native arithmetic, operations of an arithmetic, published streams, draws of our own.
ALLOWED = {
    "src/nn/arithmetic/portable.py": {"matmul", "exp", "log", "tanh", "power"},  # on the grid, and `elementary`
    "src/nn/arithmetic/elementary.py": {"exp", "log", "tanh"},
    "src/nn/arithmetic/single.py": {"exp", "tanh"},  # of `elementary`
    "src/nn/normal.py": {"log"},
    "src/nn/initializers.py": {"standard_normal", "normal"},
}


def numeric_files() -> Iterator[str]:
    for room in ("src/nn", "src/optim", "src/training"):
        for file in sorted((ROOT / room).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", [file for file in numeric_files() if not file.endswith(("native.py", "legacy.py"))])
def test_what_portable_trainings_use_calls_nothing_that_differs(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    of_operations = {"ops", "self", "state", "network", "functions"}  # an arithmetic's own, or methods of this project

    def is_ours(call: ast.expr) -> bool:
        return isinstance(call, ast.Attribute) and ast.unparse(call.value).partition(".")[0] in of_operations

    called = {ast.unparse(call).rpartition(".")[2] for call in calls if not is_ours(call)}
    assert called & UNSAFE <= ALLOWED.get(file, set())
    operators = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp)]
    assert not [ast.unparse(node) for node in operators if isinstance(node.op, ast.MatMult)]
    powers = [node for node in operators if isinstance(node.op, ast.Pow)]
    assert not [
        ast.unparse(p) for p in powers if not all(isinstance(n, ast.Constant | ast.UnaryOp) for n in (p.left, p.right))
    ]


def test_the_lint_sees_what_differs() -> None:
    for file in ("src/nn/arithmetic/native.py",):
        with pytest.raises(AssertionError):
            test_what_portable_trainings_use_calls_nothing_that_differs(file)
    assert NATIVE.name == "native"


@pytest.mark.parametrize("name", ARITHMETICS)
def test_threads_may_predict_with_one_network(name: str) -> None:
    network = Network(
        (30, 20, 3), [ACTIVATIONS["tanh"]], HEADS["softmax", "cross_entropy"], arithmetic=ARITHMETICS[name](30)
    )
    network.initialize(INITIALIZERS["glorot"], Spread(0.1, 0.1), np.random.SeedSequence(6))
    batches = RNG.standard_normal((400, 5, 30)).astype(np.float32)
    y = np.zeros(5, np.int64)
    alone = [network.loss_and_probabilities(x, y)[1] for x in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda x: network.loss_and_probabilities(x, y)[1], batches))
    np.testing.assert_array_equal(together, alone)
