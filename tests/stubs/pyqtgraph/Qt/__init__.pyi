"""How pyqtgraph reaches Qt."""
