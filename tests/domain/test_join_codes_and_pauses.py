"""What is a code, and what is a request for a break."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpline.domain.join_codes import as_shown, code_in, new_code
from helpline.domain.pauses import LONGEST, pause_in


@pytest.mark.parametrize(
    "typed", ["48291374", "4829 1374", " 4829-1374. ", "code 4829 1374", "Code: 48291374", "my code is 4829 1374!"]
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert code_in(typed) == "48291374"


@pytest.mark.parametrize(
    "typed",
    ["", "4829", "4829137", "482913745", "07700900123", "my nhs number is 4829 1374 ok", "48 29 13 74", "CM1 1AA"],
)
def test_other_numbers_are_no_code(typed: str) -> None:
    assert code_in(typed) is None


def test_a_new_code_is_read_back_as_it_is_shown() -> None:
    codes = [new_code() for _ in range(200)]
    assert all(code_in(as_shown(code)) == code for code in codes)
    assert len(set(codes)) > 190


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("PAUSE 2 WEEKS", 14),
        ("pause for 3 days", 3),
        ("Pause for a month please", 30),
        ("pause texts for two weeks", 14),
        ("pause a fortnight", 14),
        ("pause week", 7),
        ("pause 2weeks", 14),
        ("pause 500 weeks", LONGEST.days),
    ],
)
def test_a_break_is_as_long_as_was_asked(typed: str, days: int) -> None:
    assert pause_in(typed) == timedelta(days=days)


@pytest.mark.parametrize(
    "typed", ["pause", "pause 0 days", "can we pause mums care for 2 weeks", "i need a pause", "pause 2", "weeks"]
)
def test_anything_else_is_no_break_of_a_length(typed: str) -> None:
    assert pause_in(typed) is None


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    code, pause = code_in(text), pause_in(text)
    assert code is None or len(code) == 8
    assert pause is None or timedelta() < pause <= LONGEST
