"""Other libraries, each in the fastest way it has."""

from typing import Any

import numpy as np

from benchmarks.timing import Contestant, LeftOut, batch_size, initial_layers, timed
from src.config.tree import Config
from src.data.dataset import Dataset
from src.nn.arrays import Array, Labels

_NOT_INSTALLED = "{} is not installed; benchmarks/README.md says how to install it"


def scikit_learn(config: Config, dataset: Dataset) -> Contestant:
    """`MLPClassifier.partial_fit`, one epoch per call, without its search for NaN in all examples each time.

    Its output is softmax and its loss log-loss, whatever the configuration says.
    """
    from sklearn import config_context
    from sklearn.neural_network import MLPClassifier

    peer = MLPClassifier(
        config.model.hidden,
        activation={"sigmoid": "logistic", "tanh": "tanh"}[str(config.model.act)],
        solver="sgd",
        alpha=0,
        batch_size=batch_size(config, dataset),
        learning_rate_init=config.optimizer.lr,
        momentum=getattr(config.optimizer, "momentum", 0),
        nesterovs_momentum=False,
        random_state=config.seed,
    )
    x, y = np.array(dataset.train.x), np.array(dataset.train.y)
    classes = np.arange(len(dataset.labels))

    def epoch() -> None:
        with config_context(assume_finite=True):
            peer.partial_fit(x, y, classes=classes)

    return Contestant(timed(epoch), peer.predict)


def pytorch(config: Config, dataset: Dataset) -> Contestant:
    """Eager PyTorch, without a loader.

    Batches are gathered by `index_select`, three times as fast as by `x[chosen]`, and the update is the fused one.
    """
    try:
        import torch  # of requirements.txt beside this file
    except ModuleNotFoundError:
        raise LeftOut(_NOT_INSTALLED.format("PyTorch")) from None

    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    activation = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}[str(config.model.act)]
    layers: list[Any] = []
    for W, b in initial_layers(config, dataset):
        linear = torch.nn.Linear(*W.shape)
        linear.weight.data, linear.bias.data = torch.from_numpy(W.T.copy()), torch.from_numpy(b)
        layers += [linear, activation()]
    del layers[-1]
    x, y = torch.from_numpy(np.array(dataset.train.x)), torch.from_numpy(np.array(dataset.train.y))
    if config.model.loss == "mse":
        layers.append(torch.nn.Sigmoid())
        y = torch.nn.functional.one_hot(y).float()  # once, before any epoch
        loss_of: Any = torch.nn.MSELoss()
    else:
        loss_of = torch.nn.CrossEntropyLoss()
    net = torch.nn.Sequential(*layers)
    momentum = getattr(config.optimizer, "momentum", 0)
    optimizer = torch.optim.SGD(net.parameters(), config.optimizer.lr, momentum, fused=True)

    def epoch() -> None:
        for chosen in torch.randperm(len(x)).split(batch_size(config, dataset)):
            loss = loss_of(net(x.index_select(0, chosen)), y.index_select(0, chosen))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def predict(x: Array) -> Labels:
        with torch.no_grad():
            labels: Labels = net(torch.from_numpy(np.array(x))).argmax(dim=1).numpy()
        return labels

    return Contestant(timed(epoch), predict)


def jax_scan(config: Config, dataset: Dataset) -> Contestant:
    """JAX: an epoch is one compiled function, which scans over the batches and updates the parameters in place.

    NumPy draws the order, much faster than `jax.random`. Batches are gathered within the scan: gathering the whole
    epoch first takes half as long again.
    """
    try:
        import jax
        from jax import numpy as jnp
    except ModuleNotFoundError:
        raise LeftOut(_NOT_INSTALLED.format("JAX")) from None

    activation: Any = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[str(config.model.act)]
    rate, momentum = config.optimizer.lr, getattr(config.optimizer, "momentum", 0)
    squared = config.model.loss == "mse"

    def outputs(layers: Any, x: Any) -> Any:
        *hidden, (W, b) = layers
        for wide, bias in hidden:
            x = activation(x @ wide + bias)
        return x @ W + b

    def loss_of(layers: Any, x: Any, y: Any) -> Any:
        z = outputs(layers, x)
        if squared:
            return jnp.mean((jax.nn.sigmoid(z) - y) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))

    def update(state: Any, x: Any, y: Any) -> Any:
        layers, velocity = state
        loss, gradient = jax.value_and_grad(loss_of)(layers, x, y)
        if momentum:
            gradient = velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient)
        return (jax.tree.map(lambda p, g: p - rate * g, layers, gradient), velocity), loss

    def epoch_of(state: Any, x: Any, y: Any, order: Any) -> Any:
        whole = len(order) // size * size
        state, losses = jax.lax.scan(
            lambda s, rows: update(s, x[rows], y[rows]), state, order[:whole].reshape(-1, size)
        )
        if whole < len(order):
            state, _ = update(state, x[order[whole:]], y[order[whole:]])
        return state, losses.mean()

    size, rng = batch_size(config, dataset), np.random.default_rng(config.seed)
    layers = jax.tree.map(jnp.array, initial_layers(config, dataset))
    x, y = jnp.array(dataset.train.x), jnp.array(dataset.train.y)
    if squared:
        y = jax.nn.one_hot(y, len(dataset.labels))  # once, before any epoch
    compiled = jax.jit(epoch_of, donate_argnums=0)
    state = (layers, jax.tree.map(jnp.zeros_like, layers) if momentum else ())

    def epoch() -> None:
        nonlocal state
        state, loss = compiled(state, x, y, rng.permutation(len(x)).astype(np.int32))
        loss.block_until_ready()

    return Contestant(timed(epoch), lambda x: np.asarray(outputs(state[0], x).argmax(axis=1)))
