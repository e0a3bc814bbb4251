"""How a report shows numbers: accuracies in percent, their differences in percentage points, p-values."""

from src.runs.metric import Metric


def value(x: float, metric: Metric) -> str:
    """A metric's value: an accuracy in percent, a loss in four significant digits."""
    return percent(x) if metric.in_percent else f"{x:.4g}"


def printed(x: float, metric: Metric, digits: int, unit: str = " %") -> str:
    """A metric's value with the decimals of a text, counted for the fraction: 0.9439 with 4 is "94.39 %"."""
    return f"{100 * x:.{max(digits - 2, 0)}f}{unit}" if metric.in_percent else f"{x:.{digits}f}"


def percent(fraction: float) -> str:
    """An accuracy, such as 0.9731, as "97.31"; a head or a label says that it is in percent."""
    return f"{100 * fraction:.2f}"


def probability(p: float) -> str:
    """A probability, such as "97.31%"; what rounds to 0 or 1 is "< 0.01%" or "> 99.99%"."""
    if p < 0.00005:
        return "< 0.01%"
    return "> 99.99%" if p >= 0.99995 else f"{p:.2%}"


def points(difference: float) -> str:
    """A difference of accuracies, such as 0.0042, as "+0.42" percentage points; what rounds to zero has no sign."""
    text = f"{100 * difference:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def p_value(p: float) -> str:
    """A probability under the null hypothesis, such as "0.0123" or "< 0.0001"."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def seconds(duration: float) -> str:
    """A duration, such as "0.42 s", "12.3 s" or "1 h 02 min"."""
    if duration < 99.95:
        return f"{duration:.2f} s" if duration < 9.995 else f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
