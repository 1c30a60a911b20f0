"""Exim's grammar: options, ACL statements and lookup files, written and read back."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from tlsconf.errors import UnrepresentableError
from tlsconf.plan import Raw, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Exim replaces a macro's name wherever it stands, also inside other words, and has no way to quote it. Every macro's name has an upper-case
# letter, so no text with its upper-case letters written as codes can contain one (specification, "Macro substitution").
_OPTION_ESCAPES: Final = re.compile(r'[A-Z"\\\x01-\x1f\x7f]')
_EXPANSION_ESCAPES: Final = re.compile(r"[\\${}]")
_LITERAL_ESCAPES: Final = re.compile(r'[A-Z\\${}"#<]')
_KEY_ESCAPES: Final = re.compile(r'["\\\x01-\x1f\x7f]')
_PLAIN_KEY: Final = re.compile(r"[a-z0-9*_][a-z0-9*_./-]*")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ESCAPED: Final = re.compile(r"\\(?:x([0-9a-f]{2})|(.))", re.DOTALL)
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class Directive(Raw):
    """The rest of a line that begins with a dot, such as `.ifdef`."""

    __slots__ = ()


def quote(text: str, place: str) -> str:
    """Return a value in the syntax of a place.

    Places: `option` (what follows a name, with the equals sign), `key` and `data` (the two sides of a line of a lookup file), `shell`
    (one word of a command).
    Raises `UnrepresentableError` for what the place can't hold: NUL everywhere; in `data` control characters and white space at the ends.
    """
    if place == "option":
        return _option(text)
    if place == "shell":
        return shlex.quote(text)
    if isinstance(text, Raw):
        return text
    return _key(text) if place == "key" else _data(text)


def _option(text: str) -> str:
    if isinstance(text, Directive):
        return f" {text}" if text else ""
    if isinstance(text, Raw):
        return f" = {text}" if text else " ="
    _refuse(text, "an option")
    expanded = _EXPANSION_ESCAPES.sub(r"\\\g<0>", text)
    return ' = "' + _OPTION_ESCAPES.sub(_code, expanded) + '"'


def _key(text: str) -> str:
    if _PLAIN_KEY.fullmatch(text):
        return text
    _refuse(text, "a key of a lookup file")
    return '"' + _KEY_ESCAPES.sub(_code, text) + '"'


def _data(text: str) -> str:
    _refuse(text, "data of a lookup file")
    if _UNPRINTABLE.search(text) or text != text.strip():
        raise UnrepresentableError(text, "data of a lookup file")
    return text


def _refuse(text: str, place: str) -> None:
    if "\0" in text or _LONE_SURROGATE.search(text):
        raise UnrepresentableError(text, place)


def _code(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def literal(text: str) -> Raw:
    """Return text for use inside an expansion, where it stands for itself.

    Raises `UnrepresentableError` for text with control characters, or white space at its ends.
    """
    if not text or _UNPRINTABLE.search(text) or text != text.strip() or _LONE_SURROGATE.search(text):
        raise UnrepresentableError(text, "text of an expansion")
    return Raw(_LITERAL_ESCAPES.sub(_code, text))


def items(texts: Iterable[str]) -> Raw:
    """Return an expanded list whose items stand for themselves (specification, "List construction": a colon is doubled)."""
    return Raw(" : ".join(literal(text).replace(":", "::") for text in texts))


def word(text: str) -> str:
    """Return text that may stand after `name=` in a lookup's data, unquoted.

    Raises `UnrepresentableError` for anything but letters, digits and `_.-`.
    """
    if not _WORD.fullmatch(text):
        raise UnrepresentableError(text, "a word of a lookup file")
    return text


def parse(files: Mapping[str, str]) -> dict[str, tuple[Setting, ...]]:
    """Read rendered files back; paths under `tlsconf/` are lookup files."""
    return {path: tuple(_entries(text) if path.startswith("tlsconf/") else _options(text)) for path, text in files.items()}


def _lines(text: str) -> Iterable[str]:
    return (line for line in text.split("\n") if line and not line.startswith("#"))


def _options(text: str) -> Iterable[Setting]:
    for line in _lines(text):
        if line.startswith("."):
            name, _, rest = line.partition(" ")
            yield Setting(name, Directive(rest))
            continue
        name, _, value = line.partition(" =")
        value = value.removeprefix(" ")
        if value.startswith('"'):
            yield Setting(name, _unescape(_unescape(value[1:-1])))
        else:
            yield Setting(name, Raw(value))


def _entries(text: str) -> Iterable[Setting]:
    for line in _lines(text):
        if line.startswith('"'):
            end = _closing_quote(line)
            yield Setting(_unescape(line[1:end]), line[end + 3 :])
        else:
            key, _, data = line.partition(": ")
            yield Setting(key, data)


def _closing_quote(line: str) -> int:
    at = 1
    while line[at] != '"':
        at += 2 if line[at] == "\\" else 1
    return at


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)
