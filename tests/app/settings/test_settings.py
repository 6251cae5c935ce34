from pathlib import Path

import pytest

from app.errors import BadInputError, SettingsError
from app.settings.fields import fields_of, with_value
from app.settings.settings import Settings, load_settings, parse_settings, save_rules, save_setting


def test_defaults_apply_without_a_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.settings.settings.settings_path", lambda: tmp_path / "nowhere.toml")
    assert load_settings(environ={}) == Settings()


def test_a_missing_settings_file_raises_an_error_if_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings file not found: .*nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[venues.binance-usdm]\nws_url = "wss://file"\nrest_url = "https://file"\n[chart]\nbar = "5m"\n')
    settings = load_settings(file, {"TAPEPRINT_BINANCE_USDM_WS_URL": "ws://127.0.0.1:1", "TAPEPRINT_OTHER": "x"})
    assert settings.hosts("binance-usdm").ws_url == "ws://127.0.0.1:1"
    assert settings.hosts("binance-usdm").rest_url == "https://file"
    assert settings.hosts("binance").ws_url == ""
    assert settings.bar_rule().text == "5m"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "f: Object contains unknown field `x`"),
        ("[data]\nhistory_hours = 'a'", r"f: Expected `float`, got `str` - at `\$\.data\.history_hours`"),
        ("[display]\npainter = 'q'", r"f: Invalid enum value 'q' - at `\$\.display\.painter`"),
        ("[rules.value_area]\npercent = 0", r"f: Expected `int` >= 1 - at `\$\.rules\.value_area\.percent`"),
        ("[rules.imbalance]\nratio = 'much'", r"f: Invalid decimal string - at `\$\.rules\.imbalance\.ratio`"),
        ("[venues.binance]\nws_url = 'http://x'", "f: Expected `str` matching regex"),
        ("[data", "f: not valid TOML"),
        ("x = " + "[" * 50_000, "f: not valid TOML: found tables or lists nested too deeply, expected a few levels"),
        ("x = " + "{a=" * 5_000, "f: not valid TOML: found tables or lists nested too deeply"),
        ("a." * 50_000 + "a = 1", "f: not valid TOML: found tables or lists nested too deeply"),
        ("x = " + "9" * 5_000, "f: not valid TOML: "),
        ("[store]\nkeep_gigabytes = inf", "f: Expected `float` <= "),
        ("[rules.imbalance]\nratio = '1e999999999'", r"f: imbalance ratio: found 1E\+999999999, expected a positive number between"),
        ("[rules.imbalance]\nminimum = '1e999999999'", r"f: imbalance minimum: found 1E\+999999999, expected 0 or more, between"),
        ("[rules.large_trades]\ntrades = '" + "9" * 400 + "'", "f: large trades: found "),
    ],
)
def test_an_invalid_setting_raises_a_one_line_error(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        parse_settings(text, "f")
    assert "\n" not in caught.value.user_message


def test_an_invalid_bar_type_raises_an_error_on_loading() -> None:
    with pytest.raises(BadInputError, match="bar: found '1x'"):
        parse_settings("[chart]\nbar = '1x'", "f")


def test_changing_a_setting_keeps_the_users_comments(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('# mine\n[display]\ntheme = "light"  # for the day\n')
    save_setting("display", "palette", "green-red", file)
    assert file.read_text() == '# mine\n[display]\ntheme = "light"  # for the day\npalette = "green-red"\n'
    assert load_settings(file, {}).display.palette == "green-red"
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.toml"]


def test_saving_an_invalid_value_leaves_the_file_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[display]\ntheme = "light"\n')
    with pytest.raises(SettingsError, match="Invalid enum value"):
        save_setting("display", "painter", "crayon", file)
    assert file.read_text() == '[display]\ntheme = "light"\n'


def test_every_setting_has_a_help_line() -> None:
    assert [field.path for field in fields_of(Settings) if not field.help] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[chart]\nbar = '1x'", "f: bar: found '1x'"),
        ("[rules.imbalance]\nratio = '-1'", "f: imbalance ratio: found -1"),
        ("[rules.imbalance]\nratio = 'NaN'", "f: imbalance ratio: found NaN"),
        ("[data]\nstale_after_s = nan", "f: "),
        ("[data]\nhistory_hours = 49", "f: Expected `float` <= 48"),
        ("display = 3", "f: Expected `object`, got `int`"),
        ("[[data]]\nhistory_hours = 2", "f: Expected `object`, got `array`"),
    ],
)
def test_an_error_in_a_file_starts_with_its_name(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, "f")
    assert caught.value.user_message.startswith(said)


def test_integers_are_accepted_for_fractional_settings() -> None:
    assert parse_settings("[data]\nhistory_hours = 3\n").data.history_hours == 3.0


def test_a_flag_overrides_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.touch()
    settings = load_settings(file, {"TAPEPRINT_BINANCE_WS_URL": "ws://environment", "TAPEPRINT_BINANCE_REST_URL": "http://environment"})
    hosts = settings.with_hosts("binance", ws_url="ws://flag").hosts("binance")
    assert (hosts.ws_url, hosts.rest_url) == ("ws://flag", "http://environment")


def test_an_invalid_url_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.touch()
    with pytest.raises(SettingsError, match=r"^TAPEPRINT_BINANCE_WS_URL: found 'localhost:1', expected a URL such as wss://host:9443$"):
        load_settings(file, {"TAPEPRINT_BINANCE_WS_URL": "localhost:1"})


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[display\n", b"\x00" * 100])
def test_a_damaged_settings_file_is_named_and_unchanged(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    for use in (lambda: load_settings(file, {}), lambda: save_setting("display", "theme", "light", file)):
        with pytest.raises(SettingsError, match=r"settings\.toml"):
            use()
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"display = 5\n", r"cannot write .*: found display = '5', expected the table \[display\]"),
        (b"[[display]]\n", r"cannot write .*: found display = .*, expected the table \[display\]"),
        (b"x = " + b"[" * 50_000, "cannot write .*: .* nested "),
        (b"x = " + b"9" * 5_000, "cannot write .*: "),
    ],
)
def test_a_file_of_another_shape_is_not_written_to(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        save_setting("display", "theme", "light", path)
    assert path.read_bytes() == content


def test_a_failed_save_leaves_only_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[display]\ntheme = "light"\n')

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        save_setting("display", "theme", "dark", file)
    assert file.read_text() == '[display]\ntheme = "light"\n'
    assert list(tmp_path.iterdir()) == [file]


def test_saving_through_a_symbolic_link_keeps_the_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "settings.toml"
    real.write_text("# mine\n")
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("this account may not make links")
    save_setting("display", "theme", "light", link)
    assert link.is_symlink() and 'theme = "light"' in real.read_text()


def test_only_changed_calculation_settings_are_saved(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('# mine\n[rules.tpo]\nbracket = "15m"  # short\n')
    before = load_settings(file, {}).rules
    after = with_value(with_value(with_value(before, "levels.periods", "week,day"), "time.session", "us-rth"), "tpo.bracket", "1h")
    save_rules(before, after, file)
    assert load_settings(file, {}).rules == after
    text = file.read_text()
    assert text.startswith("# mine\n") and "# short" in text
    assert "percent" not in text, "what was not changed is not written"
    save_rules(after, before, file)
    assert load_settings(file, {}).rules == before
