"""The layers of the chart, in folders by what they draw: bars, guides, levels, panes and profiles."""
