"""Learning-rate schedules: the factor that multiplies `optimizer.lr`, as a function of time in epochs.

Time starts at 0 and ends at `last`, the time of the last update. With `by=epoch` it advances after each epoch, with
`by=step` after each batch. Any schedule may start with a linear warm-up.
"""

from dataclasses import dataclass
from math import floor
from typing import Annotated, ClassVar

from src.nn.arithmetic import NATIVE
from src.nn.arithmetic.operations import Arithmetic


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Warm-up, then the decay of the subclass."""

    warmup: Annotated[float, ">= 0"] = 0.0  # epochs, in which the factor rises linearly to 1
    by: Annotated[str, ("epoch", "step")] = "epoch"

    name: ClassVar[str]

    def factor(self, epoch: int, step: int, epochs: int, steps: int, ops: Arithmetic = NATIVE) -> float:
        """The factor at `step` of `epoch` (both from 0), of `epochs` epochs of `steps` steps each."""
        tick = 1.0 if self.by == "epoch" else 1 / steps
        time = epoch if self.by == "epoch" else epoch + step / steps
        if time < self.warmup:
            return min((time + tick) / self.warmup, 1.0)
        return self.decay(time - self.warmup, epochs - tick - self.warmup, ops)

    def decay(self, time: float, last: float, ops: Arithmetic) -> float:
        """The factor at `time` after the warm-up, where `last` is the time of the last update."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """factor = 1"""

    name = "constant"

    def decay(self, time: float, last: float, ops: Arithmetic) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Linear(Schedule):
    """factor = 1 + (final - 1) time / last"""

    name = "linear"
    final: Annotated[float, ">= 0", "<= 1"] = 0.0  # the factor of the last update

    def decay(self, time: float, last: float, ops: Arithmetic) -> float:
        return 1 + (self.final - 1) * _progress(time, last)


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """factor = final^(time / last)"""

    name = "exponential"
    final: Annotated[float, "> 0", "<= 1"] = 0.01  # the factor of the last update

    def decay(self, time: float, last: float, ops: Arithmetic) -> float:
        return ops.power(self.final, _progress(time, last))


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """factor = gamma^floor(time / interval)"""

    name = "step"
    interval: Annotated[float, ">= 0.001"] = 10.0  # epochs
    gamma: Annotated[float, "> 0", "<= 1"] = 0.5

    def decay(self, time: float, last: float, ops: Arithmetic) -> float:
        # Times are sums of 1/steps: rounding may put an update just before the end of its interval.
        return ops.power(self.gamma, floor(time / self.interval + 1e-9))


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """factor = final + (1 - final) (1 + cos(pi time / last)) / 2  (Loshchilov and Hutter, 2017, eq. 5)"""

    name = "cosine"
    final: Annotated[float, ">= 0", "<= 1"] = 0.0  # the factor of the last update

    def decay(self, time: float, last: float, ops: Arithmetic) -> float:
        return self.final + (1 - self.final) * (1 + ops.cos_pi(_progress(time, last))) / 2


def _progress(time: float, last: float) -> float:
    # With a single update, start and end are the same.
    return min(time / last, 1.0) if last > 0 else 0.0


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "linear": Linear,
    "exponential": Exponential,
    "step": Step,
    "cosine": Cosine,
}
