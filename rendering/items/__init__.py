"""The layers of the chart, in folders by the kind of things that they draw."""
