"""Where a notice belongs: in words, and as a path that tools which annotate a checkout can find."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tlsconf.diagnostics import Span
    from tlsconf.report.notice import Notice


class Spot(NamedTuple):
    """A file by its path from the top of the checkout, with `/` between names, and where in it; `None`: the file as a whole."""

    path: str
    span: Span | None


def place_text(span: Span) -> str:
    """Return `FILE:LINE:COLUMN`."""
    return f"{span.file}:{span.line}:{span.column}"


def move_text(notice: Notice) -> str:
    """Return where a notice is, and before that where it was: `OLD → NEW`, or the one that there is."""
    if notice.place is None:
        return f"was {place_text(notice.before)}" if notice.before else ""
    return f"{place_text(notice.before)} → {place_text(notice.place)}" if notice.before else place_text(notice.place)


def checkout() -> Path:
    """Return the top of the working tree that one stands in, or the folder itself where there is none."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def path_in(top: Path, file: str) -> str | None:
    """Return a file's path from the top, with `/`; `None` for a shipped profile, a file of a revision, or one that lies elsewhere."""
    if not os.path.isfile(file):  # noqa: PTH113  Path.is_file() raises where a name is too long, and names of revisions may be
        return None
    path = Path(os.path.abspath(file))  # noqa: PTH100  a link stays the file that the profile named
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else None


def spot(notice: Notice, top: Path) -> Spot | None:
    """Return where in the checkout to show a notice: its place, else the first of its profiles that lies there."""
    if notice.place is not None:
        path = path_in(top, notice.place.file)
        if path is not None:
            return Spot(path, notice.place)
    for profile in notice.profiles:
        path = path_in(top, profile)
        if path is not None:
            return Spot(path, None)
    return None
