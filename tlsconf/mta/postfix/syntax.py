"""The grammars of main.cf, of Postfix's tables and of openssl.cnf, as far as the rendered files use them."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from tlsconf.errors import UnrepresentableError
from tlsconf.plan import Raw, Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PARAMETER: Final = re.compile(r"[A-Za-z0-9_]+")
_ACTION: Final = re.compile(r"[A-Za-z0-9_]+")
_CNF_VALUE: Final = re.compile(r"[A-Za-z0-9_:.@=-]+")
_SENDER_NAME: Final = re.compile(r"[a-zA-Z0-9_.\-\u0080-\U0010ffff]+")
_SENDER_EXACT: Final = ("/@", r"\.?$/")
_SENDER_BELOW: Final = (r"/@.+\.", r"\.?$/")
_JOINERS: Final = str.maketrans("", "", "\u200c\u200d")  # in names by RFC 5892 appendix A, though not "printable"
_EITHER_CASE: Final = re.compile(r"\((.)\|.\)")


def quote(text: str, place: str) -> str:
    """Return a value in the syntax of a place; a `Raw` comes back as it is.

    Raises `UnrepresentableError` where the grammar of the place can't hold the text.
    """
    if isinstance(text, Raw):
        return text
    quoted = _PLACES[place](text)
    if quoted is None:
        raise UnrepresentableError(text, f"a {place} of Postfix")
    return quoted


def parse(files: Mapping[str, str]) -> dict[str, tuple[Setting, ...]]:
    """Read rendered files (path to text) back into their settings; a path that is not Postfix's is left out."""
    return {path: tuple(_PARSERS[path](text)) for path, text in files.items() if path in _PARSERS}


def is_list_item(text: str) -> bool:
    """Tell whether a text stays one item of a list in main.cf, where white space and commas part items (postconf(5))."""
    return bool(text) and text.isprintable() and not any(mark in text for mark in " ,{}")


def _is_one_line(name: str) -> bool:
    return name.isprintable() or name.translate(_JOINERS).isprintable()


def _word(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def _value(text: str) -> str | None:
    """Double each `$` (postconf(5)); main.cf drops blanks at both ends, and a value can't span lines."""
    return text.replace("$", "$$") if text.isprintable() and text == text.strip(" ") else None


def _key(text: str) -> str | None:
    """Take a key of texthash: or of a table for postmap(1), as it is: no white space, no comment, no quoted key."""
    return text if _is_one_line(text) and text and " " not in text and text[0] not in '#"' else None


def _policy(text: str) -> str | None:
    return text if text and text.isprintable() and text == text.strip(" ") else None


def _network(text: str) -> str | None:
    try:
        return text if str(ip_network(text)) == text else None
    except ValueError:
        return None


def _sender(text: str) -> str | None:
    """Turn a domain pattern into a regular expression for addresses; tables ignore the case of ASCII letters only (regexp_table(5))."""
    before, after = _SENDER_BELOW if text.startswith("*.") else _SENDER_EXACT
    name = text.removeprefix("*.")
    if not _SENDER_NAME.fullmatch(name) or not _is_one_line(name):
        return None
    escaped = name.replace(".", r"\.")
    if not name.isascii():
        escaped = "".join(_either_case(character) for character in escaped)
    return f"{before}{escaped}{after}"


def _either_case(character: str) -> str:
    upper = character.upper()
    return character if character.isascii() or len(upper) > 1 or upper == character else f"({character}|{upper})"


def _sender_pattern(expression: str) -> str:
    (before, after), star = (_SENDER_BELOW, "*.") if expression.startswith(_SENDER_BELOW[0]) else (_SENDER_EXACT, "")
    name = expression.removeprefix(before).removesuffix(after)
    return star + _EITHER_CASE.sub(r"\1", name).replace(r"\.", ".")


_PLACES: Final[dict[str, Callable[[str], str | None]]] = {
    "parameter": _word(_PARAMETER),
    "value": _value,
    "key": _key,
    "policy": _policy,
    "network": _network,
    "sender": _sender,
    "action": _word(_ACTION),
    "openssl value": _word(_CNF_VALUE),
}


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def _parse_main(text: str) -> list[Setting]:
    settings = []
    for line in _lines(text):
        name, _, value = line.partition(" =")
        settings.append(Setting(name, value.removeprefix(" ").replace("$$", "$")))
    return settings


def _parse_table(text: str) -> list[Setting]:
    return [Setting(*line.split(" ", 1)) for line in _lines(text)]


def _parse_senders(text: str) -> list[Setting]:
    return [Setting(_sender_pattern(name), value) for name, value in _parse_table(text)]


def _parse_openssl(text: str) -> list[Setting]:
    within = text.rpartition("]\n")[2]  # the sections before only lead to the last one
    return [Setting(*line.split(" = ", 1)) for line in _lines(within)]


_PARSERS: Final[dict[str, Callable[[str], list[Setting]]]] = {
    "main.cf": _parse_main,
    "tlsconf/outbound": _parse_table,
    "tlsconf/inbound_exempt": _parse_table,
    "tlsconf/inbound_clients": _parse_table,
    "tlsconf/inbound_senders": _parse_senders,
    "tlsconf/openssl.cnf": _parse_openssl,
}
