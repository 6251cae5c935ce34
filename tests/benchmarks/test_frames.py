"""The frame benchmark in a short form: one that is not run does not notice when it no longer fits the program."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import frames


@pytest.mark.parametrize(("case", "change"), [("detail", "pan"), ("detail", "live"), ("dense", "pan")])
def test_each_frame_is_drawn_and_measured(qapp, capsys, case: str, change: str):
    result = frames.main([case, change, "--frames", "3"])
    assert json.loads(capsys.readouterr().out.removeprefix("RESULT ")) == result
    assert result["frames"] == 3
    assert 0 < result["p50"] <= result["p95"] and result["rss"] > 0
