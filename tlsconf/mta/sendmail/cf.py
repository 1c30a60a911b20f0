"""Reads sendmail.cf as the program does: which definition counts, and where it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OPTION: Final = re.compile(r"O ([A-Za-z0-9.]+)\s*(?:=\s*(.*))?$")
_RULESET: Final = re.compile(r"S\s*([A-Za-z0-9_]+)")
_MAP: Final = re.compile(r"K\s*(\S+)\s+(\S+)\s*(.*)$")
_NAMED: Final = re.compile(r"[CFD]\{([A-Za-z0-9_]+)\}")


class Line(NamedTuple):
    """A logical line: `number` is that of its first line in the file."""

    number: int
    text: str


class Map(NamedTuple):
    """A `K` line that names a file."""

    type: str
    file: str


class Rule(NamedTuple):
    """A rewriting rule without its comment."""

    number: int
    left: str
    right: str


class Configuration(NamedTuple):
    """What a sendmail.cf says. Names of options and rulesets are in lower case; definitions of one ruleset are one after the other."""

    lines: tuple[Line, ...]
    options: dict[str, tuple[Line, ...]]
    rulesets: dict[str, tuple[Rule, ...]]
    maps: dict[str, Map]
    mailers: dict[str, str]

    def value(self, option: str) -> str | None:
        """Return the value that is in force: that of the last definition."""
        found = self.options.get(option.lower())
        return found[-1].text if found else None


def significant(text: str) -> Iterator[Line]:
    """Yield the lines that mean something, each joined with those that continue it (doc/op/op.me, "Configuration files")."""
    pending: Line | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in {" ", "\t"} and pending is not None:
            pending = Line(pending.number, pending.text + line)
            continue
        if pending is not None:
            yield pending
            pending = None
        if line and line[0] not in {"#", " ", "\t"}:
            pending = Line(number, line.rstrip())
    if pending is not None:
        yield pending


def read(text: str) -> Configuration:
    """Read the text of a sendmail.cf."""
    lines = tuple(significant(text))
    options: dict[str, list[Line]] = {}
    rulesets: dict[str, list[Rule]] = {}
    maps: dict[str, Map] = {}
    mailers: dict[str, str] = {}
    current: list[Rule] = []
    for line in lines:
        if (option := _OPTION.match(line.text)) is not None:
            options.setdefault(option[1].lower(), []).append(Line(line.number, (option[2] or "").strip()))
        elif (ruleset := _RULESET.match(line.text)) is not None:
            current = rulesets.setdefault(ruleset[1].lower(), [])
        elif line.text.startswith("R"):
            left, right = _sides(line.text[1:])
            current.append(Rule(line.number, left, right))
        elif (map_ := _MAP.match(line.text)) is not None:
            files = [word for word in map_[3].split() if not word.startswith("-")]
            maps[map_[1].lower()] = Map(map_[2], files[-1] if files else "")
        elif line.text.startswith("M"):
            name, _, rest = line.text[1:].partition(",")
            mailers[name.strip()] = rest
    return Configuration(
        lines,
        {name: tuple(found) for name, found in options.items()},
        {name: tuple(found) for name, found in rulesets.items()},
        maps,
        mailers,
    )


def _sides(text: str) -> tuple[str, str]:
    left, _, rest = text.partition("\t")
    return left.strip(), rest.lstrip("\t").partition("\t")[0].strip()


def named(configuration: Configuration, prefix: str) -> dict[str, tuple[str, ...]]:
    """Return everything whose name begins with a prefix: rulesets by their rules, maps, classes and macros by their lines."""
    found: dict[str, list[str]] = {}
    for name, rules in configuration.rulesets.items():
        if name.startswith(prefix):
            found[f"S{name}"] = [f"{rule.left}\t{rule.right}" for rule in rules]
    for line in configuration.lines:
        own = _NAMED.match(line.text) or _MAP.match(line.text)
        if own is not None and own[1].lower().startswith(prefix):
            found.setdefault(f"{line.text[0]}{own[1]}", []).append(" ".join(line.text.split()))
    return {name: tuple(lines) for name, lines in found.items()}


def position(rules: Iterable[Rule], part: tuple[Rule, ...]) -> int | None:
    """Return where rules stand in a ruleset, one after the other, or `None`."""
    have = [rule[1:] for rule in rules]
    want = [rule[1:] for rule in part]
    return next((at for at in range(len(have) - len(want) + 1) if have[at : at + len(want)] == want), None)


def flags(ports: str) -> str:
    """Return the modifiers of a value of DaemonPortOptions or ClientPortOptions: `M=Ea`; a key may be written out."""
    pairs = (part.strip().partition("=") for part in ports.split(","))
    return next((value.strip() for key, _, value in pairs if key[:1].upper() == "M"), "")


def field(mailer: str, key: str) -> str:
    """Return one field of a mailer's definition, such as `A`."""
    pairs = (part.strip().partition("=") for part in re.split(r",\s+", mailer))
    return next((value.strip() for name, _, value in pairs if name.strip()[:1].upper() == key), "")
