"""Fields side by side."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy

from widgets.parts.field_row import field_row


def test_fields_stand_from_left_to_right_and_leave_the_rest_free(qtbot) -> None:
    first, second = QPushButton("first"), QLineEdit("second")
    second.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    row = field_row(first, second)
    qtbot.addWidget(row)
    row.resize(600, 40)
    row.show()
    assert first.x() == 0 < first.geometry().right() < second.x()
    assert second.geometry().right() < 599
