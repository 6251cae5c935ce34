from PySide6.QtGui import QKeySequence

from widgets.commands.actions import COMMANDS, key_list


def test_no_key_is_given_to_two_commands() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_every_key_is_one_that_qt_can_read() -> None:
    for command in COMMANDS:
        for key in command.keys:
            assert QKeySequence(key).toString() != "", key


def test_the_key_list_has_a_line_for_each_command() -> None:
    assert len(key_list()) == len(COMMANDS)
