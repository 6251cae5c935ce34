"""The repository's Markdown documents and help pages, parsed for links, anchors and code without a library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
HELP = ROOT / "resources" / "help"
PAPERS = tuple(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "GLOSSARY.md", "CHANGELOG.md"))
GENERATED = ("keys.md", "settings.md", "calculation.md", "commands.md")
"""Help pages that are generated from the program's own tables, and tested with the code that generates them."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file.

    Attributes
    ----------
    path : Path
    text : str
    """

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The text without code blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Language and content of each code block."""
        return [(found[1], found[2]) for found in _FENCE.finditer(self.text)]

    @property
    def code(self) -> list[str]:
        """All inline code."""
        return _CODE.findall(self.prose)

    @property
    def links(self) -> list[str]:
        """Targets of all links and images, as written."""
        return _LINK.findall(_CODE.sub("code", self.prose))

    @property
    def anchors(self) -> set[str]:
        """Anchors of the headings, built as on GitHub."""
        return {slug(heading) for heading in _HEADING.findall(self.prose)}

    def commands(self) -> list[str]:
        """Lines of the code blocks that call `tapeprint`, without their comments."""
        lines = [line for _, block in self.blocks for line in block.splitlines()]
        return [line.partition("  #")[0].strip() for line in lines if re.match(r"(\.venv/bin/)?tapeprint ", line)]

    def table(self, heading: str) -> list[list[str]]:
        """Cells of the first table under a heading, without its header."""
        section = re.split(r"^#{1,6} ", self.text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        rows = [line for line in section.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def slug(heading: str) -> str:
    """The anchor of a heading: in lower case, with hyphens for spaces and without punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(path: Path) -> Page:
    """Read a Markdown file."""
    return Page(path, path.read_text(encoding="utf-8"))


def papers() -> list[Page]:
    """README and the other Markdown documents in the top folder."""
    return [read(path) for path in PAPERS]


def help_pages() -> list[Page]:
    """The help pages, sorted by file name."""
    return [read(path) for path in sorted(HELP.glob("*.md"))]
