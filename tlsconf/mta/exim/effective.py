"""What Exim itself says that it would do: its configuration after macros, conditions and included files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tlsconf.live.machine import Machine
    from tlsconf.plan import Plan, Setting

_FILE: Final = re.compile(r"^Configuration file is (.+)$", re.MULTILINE)
_DRIVER: Final = re.compile(r"^(\S+) (?:router|transport):$")
_MACRO: Final = re.compile(r"[A-Z]\w*\s*=")
_LOCATION: Final = re.compile(r'# \d+ "(.*)"')
_UNSHOWN: Final = re.compile(r"[^\x20-\x7e]")
_OWN_MACRO: Final = "TLSCONF_"


class Driver(NamedTuple):
    """A router or a transport, with the final value of each of its options."""

    name: str
    options: Mapping[str, str]

    def says(self, option: str) -> str:
        """Return an option's value, nothing where this build has no such option."""
        return self.options.get(option, "")


class Effective(NamedTuple):
    """The configuration that is in force; `included` are the files that were read, `acls` have one text for each line."""

    path: str
    included: frozenset[str]
    main: Mapping[str, str]
    acls: Mapping[str, tuple[str, ...]]
    routers: tuple[Driver, ...]
    transports: tuple[Driver, ...]


def read(machine: Machine, program: str, version: str) -> Effective:
    """Ask for the configuration that `-bV`, which printed `version`, found to be right (exim(8), `-bP`).

    Raises `EnvironmentFailedError` where Exim does not say.
    """
    found = _FILE.search(version)
    if found is None:
        message = f"{program} -bV does not say which configuration file it reads"
        raise EnvironmentFailedError(message)
    main, routers, transports, whole = (_printed(machine, program, *what) for what in ((), ("routers",), ("transports",), ("config",)))
    return Effective(found[1], files(whole), options(main), acls(whole), drivers(routers), drivers(transports))


def _printed(machine: Machine, program: str, *what: str) -> str:
    output = machine.run(program, "-bP", *what)
    if output.status != 0:
        message = f"{' '.join((program, '-bP', *what))}: {output.stderr.strip()}"
        raise EnvironmentFailedError(message)
    return output.stdout


def options(text: str) -> dict[str, str]:
    """Read lines of `-bP`: `name = value`, or a truth value as `name` or `no_name`."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        name = name.strip()
        if equals:
            found[name] = value.strip()
        elif name:
            found[name.removeprefix("no_")] = str(not name.startswith("no_")).lower()
    return found


def drivers(text: str) -> tuple[Driver, ...]:
    """Read what `-bP routers` or `-bP transports` prints, in order."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        found = _DRIVER.match(line)
        if found:
            blocks.append((found[1], []))
        elif blocks:
            blocks[-1][1].append(line)
    return tuple(Driver(name, options("\n".join(lines))) for name, lines in blocks)


def acls(text: str) -> dict[str, tuple[str, ...]]:
    """Return the lines of each ACL of what `-bP config` prints; definitions of macros are left out."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("begin "):
            inside = line == "begin acl"
        elif inside and line.startswith("    "):
            if not _MACRO.match(line.strip()):
                lines.append(line.strip())
        elif inside and line.startswith("  "):
            lines = found.setdefault(line.strip().partition(":")[0], [])
    return {name: tuple(lines) for name, lines in found.items()}


def files(text: str) -> frozenset[str]:
    """Return the files that what `-bP config` prints came from."""
    return frozenset(found[1] for line in text.splitlines() if (found := _LOCATION.fullmatch(line)))


def items(text: str) -> tuple[str, ...]:
    """Read a list: colons between its items or what stands after `<`, doubled within one (specification, "List construction")."""
    separator = ":"
    if text.startswith("<") and len(text) > 1:
        separator, text = text[1], text[2:]
    mark = re.escape(separator)
    found = (item.replace(separator * 2, separator).strip() for item in re.split(f"(?<!{mark}){mark}(?!{mark})", text))
    return tuple(item for item in found if item)


def planned(plan: Plan, path: str) -> tuple[Setting, ...]:
    """Return the options that a planned file sets, as `-bP` shows them: our macros expanded, what is not ASCII as codes."""
    macros = {setting.name: setting.value for setting in plan.settings["main"] if setting.name.startswith(_OWN_MACRO)}
    found = []
    # What a rendered file says where a macro of its own is missing is no option.
    for section in next(file for file in plan.files if file.path == path).sections:
        inside = ""
        for setting in section.settings:
            if setting.name.startswith("."):
                inside = "" if setting.name == ".endif" else setting.name
            elif setting.name not in macros and inside != ".ifndef":
                found.append(setting._replace(value=_shown(setting.value, macros)))
    return tuple(found)


def _shown(value: str, macros: Mapping[str, str]) -> str:
    for name, text in macros.items():
        value = value.replace(name, text)
    return _UNSHOWN.sub(lambda found: "".join(f"\\{byte:03o}" for byte in found[0].encode()), value)


def line_of(machine: Machine, path: str, option: str | None, driver: str | None = None) -> int | None:
    """Return the line of a file that sets an option last: in a driver or ACL, where one is named, else in the main section.

    Where nothing in a driver sets it, or for no option, this is the line that the driver begins with.
    """
    lines = (machine.read(path) or "").splitlines()
    start, stop = r"(?!)", r"begin\s"
    if driver is not None:
        start, stop = rf"{re.escape(driver)}\s*:", r"begin\s|\w+\s*:"
    inside, number = driver is None, None
    for at, line in enumerate(lines, start=1):
        if re.match(start, line):
            inside, number = True, at
        elif inside and re.match(stop, line):
            break
        elif inside and option and re.match(rf"\s*(?:hide\s+)?(?:no_|not_)?{option}\b", line):
            number = at
    return number
