"""Normal draws by inverse transform: the same bits on every machine.

`Generator.standard_normal` calls the C library for its tails, which differ between C libraries. Here a draw is the
normal quantile of a uniform one, after Wichura (1988), algorithm AS 241, PPND16: relative error about 1e-16. Only
IEEE 754 operations are used: + - * / sqrt, frexp and comparisons.
"""

import math

import numpy as np

from src.nn.arithmetic.elementary import Floats, log, polynomial

_UNIT = 2.0**-52
# Constant terms first. x = q A(r)/B(r) in the middle, C(r)/D(r) and E(r)/F(r) in the tails.
_A = (
    *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4),
    *(4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
)
_B = (
    *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3),
    *(2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)
_C = (
    *(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0),
    *(1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
)
_D = (
    *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
    *(1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)
_E = (
    *(6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1),
    *(2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
)
_F = (
    *(1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2),
    *(7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)


def standard_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draws from the normal distribution of mean 0 and deviation 1, in float64.

    Each takes the upper 52 of the generator's next 64 bits, an integer k: u = (k + 1/2) / 2^52.
    """
    k = generator.bit_generator.random_raw(math.prod(shape)) >> np.uint64(12)
    return quantile((k.astype(np.float64) + 0.5) * _UNIT).reshape(shape)


def quantile(u: Floats) -> Floats:
    """[n] -> [n], the x that a standard normal variable falls below with probability u, for 0 < u < 1."""
    q = u - 0.5
    x = q * _ratio(0.180625 - q * q, _A, _B)  # where |q| <= 0.425
    outer = np.abs(q) > 0.425
    q = q[outer]
    r = np.sqrt(-log(np.where(q < 0, u[outer], 1 - u[outer])))
    tail = np.where(r <= 5, _ratio(r - 1.6, _C, _D), _ratio(r - 5, _E, _F))
    x[outer] = np.copysign(tail, q)
    return x


def _ratio(r: Floats, numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Floats:
    return polynomial(r, numerator) / polynomial(r, denominator)
