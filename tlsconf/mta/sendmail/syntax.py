"""How text is written into m4 definitions, rewriting rules and map sources, and read back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.errors import UnrepresentableError
from tlsconf.plan import Raw, Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Longest value: readcf expands the macros of a line into a buffer of MAXLINE (2048) bytes, and cuts off the rest (sendmail/conf.h).
_LONGEST: Final = 2000

# A definition's body is quoted twice, so that neither m4 nor proto.m4 looks into it; quotes can't be escaped in m4, `$` starts an
# argument, and in sendmail.cf a macro; `"`, `\` and anything that is not printable ASCII mean something to readcf.
_PLACES: Final[dict[str, re.Pattern[str]]] = {
    "name": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "m4": re.compile(r"[A-Za-z0-9_./+@%=~:,?* -]*"),
    "rule": re.compile(r"[a-z0-9][a-z0-9-]*"),
    "pattern": re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"),
    "value": re.compile(r"[A-Za-z0-9_:-]+"),
}

_DEFINITION: Final = re.compile(r"^define\(`(\w+)', ``(.*)''\)$", re.MULTILINE)
_NAME: Final = re.compile(r"^R<`([a-z0-9-]+)'> \?\t.*`(.*)'$", re.MULTILINE)


def quote(text: str, place: str) -> str:
    """Return a value in the syntax of a place.

    Places: `name` and `m4` of a definition, `rule` and `pattern` of a rewriting rule, `key` and `value` of a map source.
    Raises `UnrepresentableError` where the place can't hold the text.
    """
    if isinstance(text, Raw):
        return text
    if len(text) > _LONGEST or not (_is_key(text) if place == "key" else _PLACES[place].fullmatch(text)):
        raise UnrepresentableError(text, place)
    return text


def _is_key(text: str) -> bool:
    # makemap(8) ends a key at white space, takes `#` in the first column for a comment, and folds A to Z.
    return text.isprintable() and not re.search(r"[\s\"'`\\$A-Z]", text) and text[:1] not in {"", "#"}


def parse(files: Mapping[str, str]) -> dict[str, tuple[Setting, ...]]:
    """Read rendered files (path to text) back into their settings; INSTALL.md and the manifest have none."""
    return {path: _reader(path)(text) for path, text in files.items() if path == "tlsconf.m4" or path.startswith("tlsconf/")}


def _reader(path: str) -> Callable[[str], tuple[Setting, ...]]:
    if path == "tlsconf.m4":
        return _definitions
    return _names if path.endswith(".m4") else _entries


def _definitions(text: str) -> tuple[Setting, ...]:
    return tuple(Setting(*found) for found in _DEFINITION.findall(text))


def _names(text: str) -> tuple[Setting, ...]:
    return tuple(Setting(*found) for found in _NAME.findall(text))


def _entries(text: str) -> tuple[Setting, ...]:
    lines = (line.partition("\t") for line in text.split("\n") if line and not line.startswith("#"))
    return tuple(Setting(key, value) for key, _, value in lines)
