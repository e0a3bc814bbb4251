"""Messages about the user's mistakes."""

from src.foundation import errors


def test_a_misspelt_word_is_answered_with_the_nearest() -> None:
    assert errors.suggestion("rleu", ["relu", "tanh"]).startswith("did you mean relu?")
    assert errors.suggestion("xyzzy", ["relu", "tanh"]) == "allowed: relu, tanh"
