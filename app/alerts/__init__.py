"""Alerts on prices, lines, levels and bars.

`alert` defines the terms: a subject (the value that is watched), a condition (what has to happen to it) and a trigger (how often it
fires). `subjects` finds the current value of a subject in the chart, `watch` scans trades, `missed_trades` finds the trades that no
scan has seen, and `alert_store` saves everything in a file.

Rules, decided here:

- A *line* is a price: a fixed one, POC, VAH or VAL of a period or of a profile on the chart, VWAP or a band of it. A line that moves
  keeps one value while a bar is in progress: trades are compared with the value at the start of their bar, from all bars before it.
  So no trade moves the line that it touches, and a line that moves over a resting price fires nothing: price has to come to it.
- *touch*: the price of a trade is the line, or it lies between the prices of two trades that follow one another. Trades that stay
  at the line are one touch.
- *cross*: a trade is on the other side of the line from the last trade that was not at the line.
- *close above, below*: a closed bar closed strictly beyond the line; the value of the line includes that bar.
- *Naked* levels fire with the trade that brings them into a bar's range, which also ends them in the table of levels.
- *reach*: the running delta or volume of a bar reached the value (for a negative delta: fell to it); delta in per cent is that of a
  closed bar. It fires at most once in a bar, with any trigger.
- *new*: a closed bar has a new stacked imbalance, an unfinished auction, or confirms a divergence. Alerts on closed bars fire with
  the trade that begins the next bar.

Whether a condition fires does not depend on how trades are batched, nor on whether the program was closed between two of them: the
store remembers the last scanned trade and, for lines at exactly its price, the side from which the price came. Missed trades are
scanned once they have been fetched, and alerts that fire then are marked as late (`missed_trades`). A fired alert is in the log on
disk before it is announced; after a kill it may be announced twice, but it is not lost.
"""
