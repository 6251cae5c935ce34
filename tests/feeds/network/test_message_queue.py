"""Frames in a queue that keeps lines apart."""

from __future__ import annotations

from feeds.network.message_queue import MessageQueue
from tests.feeds.lines import Clock


def test_messages_of_two_connections_are_taken_separately() -> None:
    waiting = MessageQueue(Clock())
    waiting.begin()
    for frame in (b"1", b"2"):
        waiting.add(frame)
    waiting.begin()
    waiting.add(b"3")
    assert (waiting.take(False), waiting.beginnings, waiting.current) == ([b"1", b"2"], 1, False)
    assert (waiting.take(False), waiting.beginnings, waiting.current) == ([b"3"], 2, True)
    assert not waiting.ready(False)


def test_held_messages_wait_and_earlier_ones_do_not() -> None:
    waiting = MessageQueue(Clock())
    waiting.add(b"1")
    waiting.begin()
    waiting.add(b"2")
    assert waiting.ready(True) and waiting.take(True) == [b"1"]
    assert not waiting.ready(True) and waiting.take(True) == []
    assert waiting.ready(False) and waiting.take(False) == [b"2"]


def test_age_is_that_of_the_oldest_message() -> None:
    clock = Clock()
    waiting = MessageQueue(clock)
    assert waiting.age_s == 0
    waiting.add(b"1")
    clock.now_s += 2
    waiting.begin()
    waiting.add(b"2")
    clock.now_s += 1
    assert waiting.age_s == 3
    waiting.take(False)
    waiting.take(False)
    assert waiting.age_s == 0


def test_connections_without_messages_leave_no_trace() -> None:
    waiting = MessageQueue(Clock())
    for _ in range(3):
        waiting.begin()
    assert not waiting.ready(False) and waiting.take(False) == [] and waiting.beginnings == 3


def test_each_taken_message_has_its_time_of_arrival() -> None:
    clock = Clock()
    waiting = MessageQueue(clock)
    waiting.begin()
    for frame in (b"1", b"2"):
        waiting.add(frame)
        clock.now_s += 3.0
    waiting.begin()
    waiting.add(b"3")
    begun = clock.now_s - 6.0
    assert waiting.age_s == 6.0
    assert waiting.take(False) == [b"1", b"2"] and waiting.arrived_s == [begun, begun + 3.0]
    assert waiting.age_s == 0.0
    assert waiting.take(False) == [b"3"] and waiting.arrived_s == [begun + 6.0]
