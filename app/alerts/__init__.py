"""Alerts: what is waited for, what has fired, and what could not be watched.

`alert` has the words: a subject (what the number is), when (what has to happen to it), how often. `subjects` finds a subject's
present value in the chart, `watch` looks at trades, `stretches` knows which trades nobody looked at, `book` keeps all of it in a file.

Rules, decided here:

- A *line* is a price: a fixed one, POC, VAH or VAL of a period or of a profile on the chart, VWAP or a band of it. A line that moves
  stands still while a bar is made: trades are held against the value that was known when their bar began, from all bars before it.
  So no trade moves the line that it touches, and a line that moves over a resting price fires nothing: price has to come to it.
- *touch*: the price of a trade is the line, or it lies between the prices of two trades that follow one another. Trades that stay
  at the line are one touch.
- *cross*: a trade lies on the other side of the line than the last trade that was not at it.
- *close above, below*: a bar that has ended closed strictly beyond the line as it stands with that bar.
- *Naked* levels fire with the trade by which a bar comes to hold them: what ends them in the ledger too.
- *reach*: the running delta or volume of a bar reached the value (delta at a negative value: fell to it); a delta in per cent is
  that of a bar which has ended. Once in a bar, however often.
- *new*: a bar that has ended has left a stacked imbalance, an unfinished auction, or a divergence behind. What is told of a bar that
  has ended is told at the trade that begins the next one.

Whether a condition fires does not depend on how trades are batched, nor on whether the program was closed between two of them: what
is remembered is the last trade looked at, and of lines at its very price on which side the price was before. Trades that nobody
looked at are looked at once they have been fetched, and what fires then is told as late (`stretches`). A firing is in the log on
disk before it is told; after a kill it may be told twice, but it is not lost.
"""
