from decimal import Decimal

import pytest

from app.errors import BadInputError
from app.market.instrument import Instrument, parse_instrument_id


def test_an_instrument_has_an_id_a_grid_and_quantity_texts() -> None:
    instrument = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
    assert instrument.id == "binance:BTCUSDT"
    assert (instrument.grid(50).tick_size, instrument.grid(50).ticks_per_row, instrument.grid().ticks_per_row) == (Decimal("0.01"), 50, 1)
    assert instrument.quantity_text(123_456) == "1.23456"
    assert instrument.multiplier == 1


def test_contracts_are_counted_in_base_unit_lots() -> None:
    swap = Instrument("okx-swap", "BTC-USDT-SWAP", Decimal("0.1"), Decimal("0.0001"), Decimal("0.01"))
    assert swap.written_step == Decimal("0.01"), "a hundredth of a contract"
    assert swap.quantity_text(1234) == "0.1234"


def test_an_id_is_split_into_venue_and_symbol() -> None:
    assert parse_instrument_id("binance:BTCUSDT") == ("binance", "BTCUSDT")
    assert parse_instrument_id("binance-usdm:1000PEPE_240628") == ("binance-usdm", "1000PEPE_240628")


@pytest.mark.parametrize("symbol", ["币安人生USDT", "xyz:TSLA", "é1", "@107", "PURR/USDC", "1000PEPE_240628"])
def test_a_symbol_may_be_of_any_script_and_hold_a_colon(symbol: str) -> None:
    """X5: as venues list them."""
    assert parse_instrument_id(f"binance:{symbol}") == ("binance", symbol)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BTCUSDT",
        ":BTCUSDT",
        "binance:",
        "binance:BTC USDT",
        "Binance:BTC",
        "a:b\u202ec",
        "a:b\nc",
        "a:b\x1bc",
        "a:币 安",
        "binance:" + "X" * 41,
    ],
)
def test_an_invalid_id_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="expected venue:SYMBOL"):
        parse_instrument_id(text)
