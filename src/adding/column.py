"""What one column of a table has in it, from its batches: numbers, texts, dates, missing values."""

import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_TEXTS = 10_000  # different ones that are counted in a column
_LOOKS = {
    "dates": re.compile(
        r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})( .*)?|\d{4}/\d{1,2}/\d{1,2}( .*)?"
        r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?|\d{1,2}[. -]+[^\W\d]{3,9}\.?[ -]+(\d{4}|\d{2})"
    ),
    "numbers with marks between digits": re.compile(
        r"[+-]?\d{1,3}([,'\u2019\s]\d{3})+(\.\d+)?|[+-]?\d{1,3}([.'\u2019\s]\d{3})+,\d+"
    ),
    "numbers with a decimal comma": re.compile(r"[+-]?\d+,\d+"),
}
# As in 8 %, $8, 8 kg and \u22128; but categories may look so, too: 1st, 2nd.
WITH_SIGNS = re.compile(r"[^\w\s]{0,2}\s?[^\w\s]?\d[\d.,]*\s?[^\d\s]{0,6}")


class Column:
    """Counts of a column's values, added batch by batch."""

    def __init__(self, name: str, decimal: str) -> None:
        self.name = name
        self.rows = 0
        self.missing = 0  # empty cells, and NaN
        self.numbers = 0
        self.texts: Counter[str] = Counter()  # that are not numbers, up to `_MOST_TEXTS` different ones
        self.first_text: tuple[int, str] | None = None  # its row, from 0
        self.first_infinite: tuple[int, str] | None = None
        self.first_point: tuple[int, str] | None = None  # where the decimal mark is a comma
        self.type = ""  # of a Parquet file, if neither a number nor a text
        self.counts_rows = True  # whether each value is one more than the one before
        self._decimal = decimal
        self._last: float | None = None
        self._least, self._most = np.inf, -np.inf

    def add(self, array: Any) -> NDArray[np.bool_]:
        """Counts the values of a batch [m], a pyarrow array: texts, or what a Parquet file has. Returns which miss."""
        import pyarrow as pa
        from pyarrow import compute, types

        kind = array.type
        if types.is_dictionary(kind):
            array = array.dictionary_decode()
            kind = array.type
        if types.is_boolean(kind):
            array = compute.cast(array, pa.string())
        elif types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            return self._add_numbers(array, np.asarray(compute.cast(array, pa.float64(), safe=False).fill_null(np.nan)))
        elif not (types.is_string(kind) or types.is_large_string(kind)):
            self.type = str(kind)
            self.rows += len(array)
            return np.zeros(len(array), bool)
        trimmed = compute.utf8_trim_whitespace(array.fill_null(""))
        given = compute.if_else(compute.equal(trimmed, ""), "nan", trimmed)
        if self._decimal == ",":
            if self.first_point is None and (points := np.asarray(compute.match_substring(given, "."))).any():
                row = int(points.argmax())
                self.first_point = self.rows + row, given[row].as_py()
            given = compute.replace_substring(given, ",", ".")
        try:
            values = np.asarray(compute.cast(given, pa.float64()))
        except pa.ArrowInvalid:
            return self._add_texts(trimmed, given)
        return self._add_numbers(given, values)

    @property
    def share_of_numbers(self) -> float:
        """Of the values that are not missing."""
        return self.numbers / max(self.rows - self.missing, 1)

    @property
    def constant(self) -> bool:
        """Whether all numbers are equal, and there are no texts; or all texts, and there are no numbers."""
        return len(self.texts) == 1 if not self.numbers else not self.texts and self._least == self._most

    def looks_like(self) -> str:
        """What nearly all of its texts look like that is neither a number nor a category; empty if nothing."""
        if self.type.startswith(("date", "time", "timestamp", "duration")):
            return "dates"
        for words, pattern in _LOOKS.items():
            if self.texts and sum(bool(pattern.fullmatch(text)) for text in self.texts) > 0.9 * len(self.texts):
                return words
        return ""

    def _add_numbers(
        self, given: Any, values: NDArray[np.float64], text: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Counts values [m], NaN where one is missing, or is a `text` [m]. Returns which are missing."""
        missing = np.isnan(values) if text is None else np.isnan(values) & ~text
        if self.first_infinite is None and (infinite := np.isinf(values)).any():
            row = int(infinite.argmax())
            self.first_infinite = self.rows + row, str(given[row].as_py())
        if len(values):
            steps = np.diff(values if self._last is None else np.concatenate([[self._last], values]))
            self.counts_rows &= bool((steps == 1).all())
            self._last = float(values[-1])
        numbers = values[~np.isnan(values)]
        self.rows += len(values)
        self.missing += int(np.count_nonzero(missing))
        self.numbers += len(numbers)
        if len(numbers):
            self._least, self._most = min(self._least, float(numbers.min())), max(self._most, float(numbers.max()))
        return missing

    def _add_texts(self, trimmed: Any, given: Any) -> NDArray[np.bool_]:
        """A batch with texts that are not numbers, as `float()` reads them."""
        coded = trimmed.dictionary_encode()
        indices, found = np.asarray(coded.indices), coded.dictionary.to_pylist()
        values = np.array([self._number(text) for text in found])  # NaN for texts, too
        is_text = np.isnan(values) & np.array([text.lower() not in ("", "nan") for text in found])
        counts = np.bincount(indices, minlength=len(found))
        for k in np.flatnonzero(is_text):
            if found[k] in self.texts or len(self.texts) < _MOST_TEXTS:
                self.texts[found[k]] += int(counts[k])
        if self.first_text is None and is_text.any():
            row = int(is_text[indices].argmax())
            self.first_text = self.rows + row, found[indices[row]]
        return self._add_numbers(given, values[indices], is_text[indices])

    def _number(self, text: str) -> float:
        try:
            return float(text.replace(",", ".") if self._decimal == "," else text)
        except ValueError:
            return np.nan
