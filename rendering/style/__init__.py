"""The look of the chart: themes and colours, fonts, number formats and axis labels."""
