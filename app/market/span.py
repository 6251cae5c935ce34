"""A half-open time range."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The time range from `start_ns` to just before `end_ns`; empty if the end is not after the start."""

    start_ns: int
    end_ns: int

    def __bool__(self) -> bool:
        return self.end_ns > self.start_ns

    def __contains__(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.end_ns

    @property
    def length_ns(self) -> int:
        """The length of the span in nanoseconds; 0 if it is empty."""
        return max(0, self.end_ns - self.start_ns)

    def intersection(self, other: Span) -> Span:
        """The time that is in both spans; empty if they do not overlap."""
        start = max(self.start_ns, other.start_ns)
        return Span(start, max(start, min(self.end_ns, other.end_ns)))

    def minus(self, others: list[Span]) -> list[Span]:
        """The parts of this span that lie in none of the other spans, in order of time."""
        left: list[Span] = []
        start = self.start_ns
        for other in sorted(span for span in others if span):
            if other.start_ns > start and start < self.end_ns:
                left.append(Span(start, min(other.start_ns, self.end_ns)))
            start = max(start, other.end_ns)
        if start < self.end_ns:
            left.append(Span(start, self.end_ns))
        return left
