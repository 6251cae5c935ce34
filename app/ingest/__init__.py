"""Loading of live trades, history, missing trades and candles into the store and the charts."""
