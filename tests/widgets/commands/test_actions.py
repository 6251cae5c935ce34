from PySide6.QtGui import QKeySequence

from widgets.commands.actions import key_list
from widgets.commands.table import COMMANDS


def test_no_key_belongs_to_two_commands() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_every_key_is_valid_for_qt() -> None:
    for command in COMMANDS:
        for key in command.keys:
            assert QKeySequence(key).toString() != "", key


def test_key_list_has_a_line_for_each_command() -> None:
    assert len(key_list()) == len(COMMANDS)
