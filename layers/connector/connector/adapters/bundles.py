"""Files in a folder or a zip file: exports and evidence packs, with the same bytes every time."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from connector import errors

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the zip format's first instant: the same content makes the same file


def write_bundle(path: Path, files: Iterable[tuple[str, Iterable[bytes]]]) -> None:
    """Write into a zip file (`*.zip`, moved to its name when it is whole) or a folder.

    A folder can be gone on with: payloads that are there already, by name and size, are not fetched again.
    """
    if path.suffix == ".zip":
        part = path.with_name(path.name + ".part")
        with part.open("wb") as opened:
            write_zip(opened, files)
        os.replace(part, path)
        return
    for name, parts in files:
        target = path / name
        if name.startswith("payloads/") and target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        with part.open("wb") as opened:
            opened.writelines(parts)
        os.replace(part, target)


def write_zip(target: io.IOBase, files: Iterable[tuple[str, Iterable[bytes]]]) -> None:
    """A zip file with these files in this sequence; nothing in it depends on when or where it is made."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, parts in files:
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            with packed.open(entry, "w", force_zip64=True) as opened:
                for part in parts:
                    opened.write(part)


class Folder:
    """A bundle in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> Iterable[str]:
        for found in self._path.rglob("*"):
            if found.is_file() and found.suffix != ".part":
                yield found.relative_to(self._path).as_posix()

    def lines(self, name: str) -> Iterator[bytes]:
        try:
            with (self._path / name).open("rb") as opened:
                yield from opened
        except OSError:
            raise _missing(name) from None

    def read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except OSError:
            raise _missing(name) from None


class Zip:
    """A bundle in a zip file."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile):
            raise errors.BadInput(
                "it is no zip file that can be read", code="export_damaged", place=path.name
            ) from None

    def names(self) -> Iterable[str]:
        return self._zip.namelist()

    def lines(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(name) as opened:
                yield from opened
        except (KeyError, zipfile.BadZipFile):
            raise _missing(name) from None

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except (KeyError, zipfile.BadZipFile):
            raise _missing(name) from None


def open_bundle(path: Path) -> Folder | Zip:
    return Folder(path) if path.is_dir() else Zip(path)


def _missing(name: str) -> errors.BadInput:
    return errors.BadInput("it is missing or damaged", code="export_damaged", place=name)
