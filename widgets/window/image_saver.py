"""Saving the chart as an image, to the journal folder and the clipboard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QClipboard, QGuiApplication, QImage

from app import __version__
from app.errors import TapeprintError
from app.journal import PictureFacts, add_to_index, picture_path, picture_texts
from rendering.scene.scene import ChartScene
from rendering.scene.screenshot import captioned_image, facts_of, save_png, state_of


class ImageSaver:
    """Saves images of the chart in the background, and reports the path or the error of each.

    Parameters
    ----------
    journal : Path
        Folder of the images.
    say : callable
        Called with the result as text.
    on_fault : callable
        Called with an internal error.
    """

    def __init__(self, journal: Path, say: Callable[[str], None], on_fault: Callable[[BaseException], None]) -> None:
        self._journal, self._say, self._on_fault = journal, say, on_fault
        self._saving: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """True while images are being saved."""
        return bool(self._saving)

    def save(self, scene: ChartScene | None, scale: int) -> None:
        """Start to save the chart as an image, `scale` image pixels per logical pixel; without a chart, show a message."""
        if scene is None:
            self._say("No chart to save yet")
            return
        task = asyncio.ensure_future(self._save(scene, scale))
        self._saving.add(task)
        task.add_done_callback(self._done)

    async def saved(self) -> None:
        """Wait until the images being saved are written or have failed; failures are reported, not raised."""
        if self._saving:
            await asyncio.wait(self._saving)

    async def _save(self, scene: ChartScene, scale: int) -> None:
        try:
            path = await save_picture(scene, scale, self._journal, QGuiApplication.clipboard())
        except TapeprintError as error:
            self._say(error.user_message)
        else:
            self._say(f"Saved {path} and copied to the clipboard")

    def _done(self, task: asyncio.Task[None]) -> None:
        self._saving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fault(error)


async def save_picture(scene: ChartScene, scale: int, journal: Path, clipboard: QClipboard) -> Path:
    """Draw the chart as an image, copy it to the clipboard, save it in the journal and its index, and return the file's path.

    `scale` is the number of image pixels per logical pixel. Drawing needs Qt's thread; compressing and writing the file does not.

    Raises
    ------
    TapeprintError
        If the chart cannot be drawn, or the image or the index cannot be written.
    """
    image, facts = captioned_image(scene, scale=scale), facts_of(scene)
    texts = picture_texts(facts, state_of(scene), f"Tapeprint {__version__}")
    clipboard.setImage(image)
    return await asyncio.to_thread(_save, image, journal, facts, texts)


def _save(image: QImage, journal: Path, facts: PictureFacts, texts: dict[str, str]) -> Path:
    path = save_png(image, picture_path(journal, facts), texts)
    add_to_index(journal, path, facts)
    return path
