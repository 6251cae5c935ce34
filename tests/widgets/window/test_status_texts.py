from app.market.feed import FeedState, FeedStatus
from widgets.window.feed_state_style import FEED_STATE_STYLES
from widgets.window.status_texts import FeedRateMeter, rates_text, state_text


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000_000_000_000

    def __call__(self) -> int:
        return self.ns


def test_every_state_has_its_own_shape_and_only_live_looks_live() -> None:
    assert set(FEED_STATE_STYLES) == set(FeedState)
    assert len({look.shape for look in FEED_STATE_STYLES.values()}) == len(FeedState)
    assert [state for state, look in FEED_STATE_STYLES.items() if look.mode == "live"] == [FeedState.LIVE]


def test_disconnected_state_shows_reason_and_time_to_the_retry() -> None:
    status = FeedStatus(FeedState.DISCONNECTED, reason="connection refused", retry_at_s=104.2)
    assert state_text(status, 100.0) == "✕ DISCONNECTED: connection refused, retrying in 5 s"
    assert state_text(status, 110.0) == "✕ DISCONNECTED: connection refused, retrying in 0 s"


def test_rates_cover_the_last_ten_seconds() -> None:
    clock = Clock()
    meter = FeedRateMeter(clock)
    for second in range(31):
        trades = second * 100 if second <= 10 else 1000 + (second - 10) * 7
        meter.sample(FeedStatus(FeedState.LIVE, messages=2 * trades, trades=trades))
        clock.ns += 1_000_000_000
    figures = meter.rates()
    assert (figures.messages_per_s, figures.trades_per_s) == (14.0, 7.0)


def test_another_feed_restarts_the_rates() -> None:
    clock = Clock()
    meter = FeedRateMeter(clock)
    meter.sample(FeedStatus(FeedState.LIVE, messages=1_000_000, trades=1_000_000))
    clock.ns += 1_000_000_000
    meter.sample(FeedStatus(FeedState.SIMULATED, messages=5, trades=5))
    assert meter.rates().messages_per_s == 0.0


def test_age_of_the_tape_counts_from_when_the_trade_was_received() -> None:
    clock = Clock()
    meter = FeedRateMeter(clock)
    status = FeedStatus(FeedState.LIVE, last_trade_ns=clock.ns + 3_600_000_000_000, received_at_ns=clock.ns - 2_500_000_000)
    assert rates_text(meter.rates(), status, clock.ns).startswith("last trade 2.5 s ago ")


def test_dashes_are_shown_before_the_first_trade() -> None:
    assert rates_text(FeedRateMeter().rates(), FeedStatus(FeedState.CONNECTING), 1) == "last trade –   0 msg/s"
