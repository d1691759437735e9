import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpline.domain.sms import MOST_SEGMENTS, Segments, pages, segments, to_gsm7

SENTENCES = st.lists(
    st.sampled_from(
        [
            "Ring adult social care on 0345 603 7630, weekdays.",
            "Ask for a needs assessment; it is free.",
            "It is open from 8.45am to 5pm.",
            "Who pays? The council pays £1,000 or less.",
            "Samaritans: 116 123, day and night, every day.",
            "You may get:\n- a rail by the bath.\n- a chair that tips.",
            "Nobody may charge you for it!",
        ]
    ),
    min_size=1,
    max_size=60,
).map(" ".join)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("don\u2019t \u201cworry\u201d", 'don\'t "worry"'),
        ("9am \u2013 5pm \u2014 daily", "9am - 5pm - daily"),
        ("wait\u2026", "wait..."),
        ("a\u00a0b\tc", "a b c"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("café at Zoë's", "café at Zoe's"),
        ("cafe\u0301", "café"),
        ("Łódź", "Lodz"),
        ("£5 or €6", "£5 or €6"),
        ("½ a cup", "1/2 a cup"),
        ("one\r\ntwo", "one\ntwo"),
        ("\U0001f600", "?"),
        ("你好", "??"),
        ("\u2022 rail", "- rail"),
    ],
)
def test_every_letter_becomes_its_nearest_gsm_letter(typed: str, sent: str) -> None:
    assert to_gsm7(typed) == sent


@given(st.text())
@example("\x1b\x0c\x00")
@example("\ud800")
def test_whatever_is_typed_can_be_sent_as_gsm7(typed: str) -> None:
    sent = to_gsm7(typed)
    assert segments(sent).encoding == "GSM-7"
    assert to_gsm7(sent) == sent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 0)),
        ("a" * 160, Segments("GSM-7", 1, 160)),
        ("a" * 161, Segments("GSM-7", 2, 161)),
        ("a" * 306, Segments("GSM-7", 2, 306)),
        ("a" * 307, Segments("GSM-7", 3, 307)),
        ("€" * 80, Segments("GSM-7", 1, 160)),
        ("€" * 81, Segments("GSM-7", 2, 162)),
        ("\u2019" * 70, Segments("UCS-2", 1, 70)),
        ("\u2019" * 71, Segments("UCS-2", 2, 71)),
    ],
)
def test_parts_are_counted_as_the_networks_count_them(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@given(SENTENCES, st.integers(1, 4), st.sampled_from(["", "Text MORE for detail."]))
def test_pages_fit_lose_nothing_and_cut_at_sentence_ends(text: str, most: int, footer: str) -> None:
    cut = pages(text, most, footer)
    assert all(segments(page).count <= most for page in cut)
    assert all(page.endswith(footer) for page in cut[:-1])
    bodies = [page.removesuffix(footer).rstrip() for page in cut[:-1]] + list(cut[-1:])
    assert " ".join(bodies).split() == text.split()
    assert all(body[-1] in ".?!:" for body in bodies)


@given(st.lists(st.sampled_from(["a", "bath", "wheelchair", "ring 0345 603 7630", "or 116 123"]), max_size=90))
def test_a_long_sentence_is_cut_between_words_and_never_inside_a_number(words: list[str]) -> None:
    text = " ".join(words)
    cut = pages(text, 1)
    assert " ".join(cut) == text
    for number in ("0345 603 7630", "116 123"):
        assert sum(page.count(number) for page in cut) == text.count(number)


def test_a_word_longer_than_a_message_is_still_sent() -> None:
    assert "".join(pages("a" * 500, 1)) == "a" * 500


def test_a_short_text_is_one_page_without_the_footer() -> None:
    assert pages("Ring 111.", footer="Text MORE for detail.") == ("Ring 111.",)
    assert pages("  ") == ()


def test_a_footer_without_room_for_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="footer"):
        pages("a " * 400, 1, "b" * 160)


def test_three_parts_are_the_most() -> None:
    assert MOST_SEGMENTS == 3
