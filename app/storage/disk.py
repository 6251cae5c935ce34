"""The store on disk: each trade once, and the ranges of the tape in which no trade is missing.

    <store>/catalogue.sqlite3                        markets, their tape ranges, and the newest trades (`catalogue`)
    <store>/<venue>/<symbol>/trades/2026-07-10.parquet      a UTC day (`day_file`); a day in progress may be in parts: .1, .2, …
    <store>/<venue>/<symbol>/cells/2026-07-10.parquet       the same day as minute cells (`minute_cells`)

One process writes a market (with a lock that ends with it), any number read. Trades that move from the catalogue into files
are first written, then deleted: a kill in between leaves them twice on disk, and a reader sees them once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.errors import BadInputError, StoreError
from app.market.instrument import Instrument
from app.storage.bad_rows import move_bad_rows
from app.storage.catalogue.catalogue import FILE_NAME, Catalogue, rename_damaged
from app.storage.catalogue.schema import DamagedCatalogueError
from app.storage.rebuild import rebuild_catalogue
from app.storage.tape import Tape


class DiskStore:
    """The store on disk: a folder with the stored trades of all markets.

    Parameters
    ----------
    folder : Path
    write : bool
        False only reads, and the store must exist. True creates it; a damaged catalogue is renamed and rebuilt from the
        day files, and trades that were not in a file yet become gaps.
    frozen : bool
        True changes nothing in the folder; a damaged catalogue is rebuilt in a temporary folder.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """

    def __init__(self, folder: Path, *, write: bool = True, frozen: bool = False) -> None:
        self.folder, self.write, self.frozen = folder, write and not frozen, frozen
        write = self.write
        self.repaired = ""
        """Text about damage repaired on opening; empty if there was none."""
        self.damaged = ""
        """Text about a damaged catalogue that was left as it is; empty if there is none."""
        self._aside: tempfile.TemporaryDirectory[str] | None = None
        if not write and not (folder / FILE_NAME).is_file():
            raise StoreError(f"no store in {folder}")
        is_new = not (folder / FILE_NAME).exists()
        try:
            # there may be day files, copied from elsewhere or left when the catalogue was deleted
            self.catalogue = self._open(rebuild=is_new)
        except DamagedCatalogueError as error:
            if frozen:
                self.damaged = error.user_message
                self._aside = tempfile.TemporaryDirectory(prefix="tapeprint-catalogue-")
                self.catalogue = self._open(rebuild=True)
                return
            if not write:
                raise
            aside = rename_damaged(folder)
            self.catalogue = self._open(rebuild=True)
            self.repaired = f"{error.user_message}; renamed to {aside.name} and rebuilt from the day files"
        if write:
            try:
                self.repaired = self.repaired or move_bad_rows(self.catalogue, folder, self.tape)
            except BaseException:
                self.catalogue.close()
                raise

    def _open(self, *, rebuild: bool) -> Catalogue:
        """Open and return the catalogue; with `rebuild`, fill it from the day files first."""
        catalogue = self._opened() if self._aside is None else Catalogue(Path(self._aside.name), write=True)
        try:
            if rebuild:
                rebuild_catalogue(catalogue, self.folder, lambda instrument: Tape(catalogue, self.folder, instrument))
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    def _opened(self) -> Catalogue:
        try:
            return Catalogue(self.folder, write=self.write, frozen=self.frozen)
        except DamagedCatalogueError:
            raise
        except StoreError:
            if self.write or self.frozen:
                raise
            return Catalogue(self.folder, write=False, frozen=True)  # read-only media: SQLite cannot put files beside it

    def instruments(self) -> list[Instrument]:
        """The stored markets, sorted by id; those with a damaged row are left out."""
        return self.catalogue.instruments()

    def tape(self, instrument: Instrument) -> Tape:
        """The tape of a market, for reading its stored trades; there may be none."""
        return Tape(self.catalogue, self.folder, instrument)

    def close(self) -> None:
        """Close the catalogue, and delete its temporary replacement if it was damaged and frozen."""
        self.catalogue.close()
        if self._aside is not None:
            self._aside.cleanup()


def stored_instrument(store: DiskStore, instrument_id: str) -> Instrument:
    """A stored market, with the largest tick and lot size of which those of all its stored trades are whole multiples.

    Raises
    ------
    BadInputError
        If the market is not in the store.
    """
    known = {instrument.id: instrument for instrument in store.instruments()}
    if instrument_id not in known:
        raise BadInputError(f"instrument: {instrument_id} is not in the store; stored: {', '.join(known) or 'none'}")
    return store.tape(known[instrument_id]).finest().instrument
