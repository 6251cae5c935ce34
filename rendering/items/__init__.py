"""The layers of the chart, one file each, in folders by what they draw."""
