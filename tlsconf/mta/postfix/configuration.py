"""What Postfix itself says of its configuration: parameters, services and complaints, each with its line where that can be told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tlsconf.live.machine import Machine, Output

_COLUMNS: Final = 8  # of a line of master.cf, before the arguments (master(5))
_PARAMETER: Final = re.compile(r"([A-Za-z0-9_]+)[ \t]*=")
_OVERRIDE: Final = re.compile(r"(?:^|[ \t])-o[ \t]*(?:\{[ \t]*)?([A-Za-z0-9_]+)[ \t]*=")
_PROGRAM: Final = re.compile(r"^\S*?postconf: (?:warning: )?")


class RefusedError(Exception):
    """Postfix does not accept its configuration; the text has its own words."""


class Service(NamedTuple):
    """A line of master.cf; `overrides` are its `-o` parameters with references expanded, `line` is where it begins."""

    name: str
    kind: str
    chrooted: bool
    command: str
    overrides: Mapping[str, str]
    line: int | None

    @property
    def label(self) -> str:
        """Return the service as postconf(1) names it."""
        return f"{self.name}/{self.kind}"


class Configuration(NamedTuple):
    """Parameters as they are written (`values`) and with references expanded (`expanded`), defaults included; the unknown are left out."""

    folder: str
    values: Mapping[str, str]
    expanded: Mapping[str, str]
    lines: Mapping[str, tuple[int, ...]]
    services: tuple[Service, ...]
    override_lines: Mapping[tuple[str, str, str], int]
    complaints: tuple[str, ...]

    @property
    def main(self) -> str:
        """Return the path of main.cf."""
        return f"{self.folder}/main.cf"

    @property
    def master(self) -> str:
        """Return the path of master.cf."""
        return f"{self.folder}/master.cf"

    def value(self, name: str, service: Service | None = None) -> str:
        """Return what a parameter is for a service, or for all; nothing where this release does not know it."""
        found = None if service is None else service.overrides.get(name)
        return self.expanded.get(name, "") if found is None else found

    def main_line(self, name: str) -> int | None:
        """Return the line of main.cf that decides: the last one."""
        return self.lines.get(name, (None,))[-1]

    def place(self, name: str, service: Service) -> tuple[str, int | None]:
        """Return the file and line that decide what a parameter is for a service."""
        if name in service.overrides:
            return self.master, self.override_lines.get((service.name, service.kind, name), service.line)
        return self.main, self.main_line(name)


def read(machine: Machine, names: Iterable[str]) -> Configuration:
    """Ask postconf(1). Raises `RefusedError` where it refuses main.cf or master.cf, `EnvironmentFailedError` where it can't be run."""
    wanted = tuple(dict.fromkeys(names))
    judged = _accepted(machine.run("postconf", "-n"))
    folder = _accepted(machine.run("postconf", "-hx", "config_directory")).stdout.strip()
    values = parse_values(_accepted(machine.run("postconf", *wanted)).stdout)
    expanded = parse_values(_accepted(machine.run("postconf", "-x", *wanted)).stdout)
    table = _accepted(machine.run("postconf", "-M")).stdout
    overrides = parse_overrides(_accepted(machine.run("postconf", "-Px")).stdout)
    lines = parameter_lines(_text(machine, f"{folder}/main.cf"))
    service_lines, override_lines = master_lines(_text(machine, f"{folder}/master.cf"))
    services = tuple(
        Service(name, kind, chrooted, command, overrides.get((name, kind), {}), service_lines.get((name, kind)))
        for name, kind, chrooted, command in parse_services(table)
    )
    return Configuration(folder, values, expanded, lines, services, override_lines, tuple(complaints(judged.stderr)))


def parse_values(text: str) -> dict[str, str]:
    """Read what `postconf` prints: `name = value` on each line."""
    pairs = (line.partition(" =") for line in text.split("\n") if " =" in line)
    return {name: value.removeprefix(" ") for name, _, value in pairs}


def parse_services(text: str) -> Iterator[tuple[str, str, bool, str]]:
    """Read what `postconf -M` prints: name, type, whether it is chrooted (Postfix 3 and later: not unless it says so), and program."""
    for line in text.split("\n"):
        fields = line.split()
        if len(fields) >= _COLUMNS:
            yield fields[0], fields[1], fields[4] == "y", fields[7].rpartition("/")[2]


def parse_overrides(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """Read what `postconf -P` prints, `service/type/parameter = value`; a service may have slashes in its name."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for place, value in parse_values(text).items():
        service, kind, name = place.rsplit("/", 2)
        found.setdefault((service, kind), {})[name] = value
    return found


def parameter_lines(text: str) -> dict[str, tuple[int, ...]]:
    """Return the lines of main.cf on which each parameter is set; lines that begin with a blank go on with the one before."""
    found: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if match := _PARAMETER.match(line):
            found[match[1]] = (*found.get(match[1], ()), number)
    return found


def master_lines(text: str) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str, str], int]]:
    """Return the line of master.cf on which each service begins, and that of each of its `-o` parameters."""
    services: dict[tuple[str, str], int] = {}
    overrides: dict[tuple[str, str, str], int] = {}
    current = None
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if not line[0].isspace() and len(fields) > 1:
            current = fields[0], fields[1]
            services[current] = number
        if current is not None:
            overrides.update({(*current, name): number for name in _OVERRIDE.findall(line)})
    return services, overrides


def complaints(stderr: str) -> Iterator[str]:
    """Yield what `postconf` complains about, once each and without its own name."""
    lines = (_PROGRAM.sub("", line).strip() for line in stderr.split("\n"))
    yield from dict.fromkeys(line for line in lines if line and not line.startswith("See http"))


def tokens(value: str) -> list[str]:
    """Split a list of main.cf at blanks and commas, but not within braces (postconf(5))."""
    found, current, depth = [], "", 0
    for character in value:
        depth += (character == "{") - (character == "}")
        if depth <= 0 and (character.isspace() or character == ","):
            found.append(current)
            current = ""
        else:
            current += character
    return [token for token in (*found, current) if token]


def _text(machine: Machine, path: str) -> str:
    text = machine.read(path)
    if text is None:
        message = f"{path}: Postfix reads it, but it can't be found"
        raise EnvironmentFailedError(message)
    return text


def _accepted(output: Output) -> Output:
    if output.status != 0:
        raise RefusedError("; ".join(line for line in complaints(output.stderr) if "fatal" in line) or output.stderr.strip())
    return output
