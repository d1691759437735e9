"""One writer at a time, the urgent first, the others in order, and nobody for ever."""

import threading
from functools import partial

import pytest

from helpline.storage.writers import WaitedTooLong, Writers
from tests.waiting import WITHIN_SECONDS, wait_until


def in_turn(writers: Writers, order: list[str], name: str, urgent: bool) -> threading.Thread:
    def write() -> None:
        with writers.turn(urgent=urgent, within_seconds=WITHIN_SECONDS):
            order.append(name)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def _is_waiting(writers: Writers, number: int) -> bool:
    return len(writers._waiting) == number


def test_the_urgent_come_first_and_the_others_in_order() -> None:
    writers, order = Writers(), list[str]()
    with writers.turn(urgent=False, within_seconds=WITHIN_SECONDS):
        threads = []
        for number, (name, urgent) in enumerate([("a", False), ("b", False), ("now", True), ("c", False)], start=1):
            threads.append(in_turn(writers, order, name, urgent))
            wait_until(f"{name} waits", partial(_is_waiting, writers, number))
        assert order == []
    for thread in threads:
        thread.join(WITHIN_SECONDS)
    assert order == ["now", "a", "b", "c"]


def test_who_waits_too_long_is_told_and_does_not_hold_up_those_behind() -> None:
    writers = Writers()
    with (
        writers.turn(urgent=True, within_seconds=WITHIN_SECONDS),
        pytest.raises(WaitedTooLong),
        writers.turn(urgent=True, within_seconds=0.01),
    ):
        raise AssertionError("two at once")
    with writers.turn(urgent=False, within_seconds=WITHIN_SECONDS):
        pass


def test_a_writer_that_fails_lets_the_next_one_in() -> None:
    writers = Writers()
    with pytest.raises(ValueError, match="broken"), writers.turn(urgent=False, within_seconds=WITHIN_SECONDS):
        raise ValueError("broken")
    with writers.turn(urgent=False, within_seconds=0.01):
        pass


def test_many_at_once_never_overlap() -> None:
    writers, inside, most = Writers(), 0, 0
    guard = threading.Lock()

    def write() -> None:
        nonlocal inside, most
        for _ in range(50):
            with writers.turn(urgent=False, within_seconds=WITHIN_SECONDS):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_SECONDS)
    assert most == 1
