import pytest
from pytestqt.qtbot import QtBot

from rendering.paint.gl_probe import is_hardware_renderer, probe_gl


@pytest.mark.parametrize("name", ["llvmpipe (LLVM 15.0.6, 256 bits)", "softpipe", "Google SwiftShader", "GDI Generic", ""])
def test_software_renderers_are_recognised_by_name(name: str) -> None:
    assert not is_hardware_renderer(name)


@pytest.mark.parametrize("name", ["NVIDIA H200/PCIe/SSE2", "Mesa Intel(R) UHD Graphics 620 (KBL GT2)", "AMD Radeon RX 6600"])
def test_graphics_cards_are_recognised_by_name(name: str) -> None:
    assert is_hardware_renderer(name)


@pytest.mark.gl
def test_probe_reads_the_driver_and_times_empty_frames(qtbot: QtBot) -> None:
    probe = probe_gl()
    assert probe.works, probe.reason
    assert probe.renderer and probe.version
    assert probe.empty_frame_ms > 0
