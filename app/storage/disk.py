"""The store on disk: every trade once, whatever way it came, and what is known to be whole.

    <store>/catalogue.sqlite3                        markets, what is held of them, and the newest trades (`catalogue`)
    <store>/<venue>/<symbol>/trades/2026-07-10.parquet      a UTC day (`day_file`); a day in progress may lie in parts: .1, .2, …
    <store>/<venue>/<symbol>/cells/2026-07-10.parquet       the same day as one-minute cells (`rollup`)

One process writes a market (a lock that dies with it), any number read. What moves from the catalogue into files is first
written, then removed: a kill in between leaves trades twice on the disk, and a reader sees them once.
"""

from __future__ import annotations

from pathlib import Path

from app.errors import BadInputError, StoreError
from app.market.instrument import Instrument
from app.storage.catalogue import FILE_NAME, Catalogue, DamagedCatalogueError, rename_damaged
from app.storage.rebuild import rebuild_catalogue
from app.storage.tape import Tape


class DiskStore:
    """A folder of kept trades.

    Parameters
    ----------
    folder : Path
    write : bool
        False: nothing is changed, and the store must exist. True: it is made; a damaged catalogue is set aside and made
        again from the day files, whereby trades that were not in a file yet are lost, and known to be missing.

    Raises
    ------
    StoreError
        If it cannot be used.
    """

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.folder, self.write = folder, write
        self.repaired = ""
        """What was found damaged on opening, in words; empty if nothing was."""
        if not write and not (folder / FILE_NAME).is_file():
            raise StoreError(f"no store in {folder}")
        is_new = not (folder / FILE_NAME).exists()
        try:
            # day files may be there: copied from elsewhere, or a catalogue that was deleted
            self.catalogue = self._open(rebuild=is_new)
        except DamagedCatalogueError as error:
            if not write:
                raise
            aside = rename_damaged(folder)
            self.catalogue = self._open(rebuild=True)
            self.repaired = f"{error.user_message}; renamed to {aside.name} and rebuilt from the day files"

    def _open(self, *, rebuild: bool) -> Catalogue:
        """The catalogue, closed again if it cannot be rebuilt."""
        catalogue = Catalogue(self.folder, write=self.write)
        try:
            if rebuild:
                rebuild_catalogue(catalogue, self.folder, lambda instrument: Tape(catalogue, self.folder, instrument))
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    def instruments(self) -> list[Instrument]:
        """The markets that are kept, by name."""
        return self.catalogue.instruments()

    def tape(self, instrument: Instrument) -> Tape:
        """What is kept of a market, to be read; empty when nothing is."""
        return Tape(self.catalogue, self.folder, instrument)

    def close(self) -> None:
        """Let go of the files."""
        self.catalogue.close()


def stored_instrument(store: DiskStore, instrument_id: str) -> Instrument:
    """A market that is kept, in the steps that it is kept in.

    Raises
    ------
    BadInputError
        If nothing was ever kept of it.
    """
    known = {instrument.id: instrument for instrument in store.instruments()}
    if instrument_id not in known:
        raise BadInputError(f"instrument: {instrument_id} is not in the store; stored: {', '.join(known) or 'none'}")
    return known[instrument_id]
