"""The shell lines that install a plan, judge it, and take it back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from tlsconf.mta.postfix import releases
from tlsconf.mta.postfix.syntax import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tlsconf.plan import PlannedFile, Requirement
    from tlsconf.policy import NextHop, Target

_SMTP: Final = 25
_OUTBOUND: Final = "/etc/postfix/tlsconf/outbound"
_TABLES: Final = (
    "cidr:/etc/postfix/tlsconf/inbound_exempt",
    "cidr:/etc/postfix/tlsconf/inbound_clients",
    "regexp:/etc/postfix/tlsconf/inbound_senders",
)
_BEFORE: Final = "/etc/postfix/tlsconf/before"

# A process that starts within two seconds of a change of main.cf reads `${config_directory}` as nothing on 3.10.13 and 3.11.7.
ACTIVATE: Final = ("sleep 3", "postfix reload")


def compile_lines(
    files: Sequence[PlannedFile],
    target: Target,
    map_type: str,
    requires: Sequence[Requirement],
    managed: Sequence[str],
    keep: Mapping[str, Sequence[str]],
    ours: Mapping[str, Sequence[str]],
) -> tuple[str, ...]:
    """Return the lines that set every parameter; those before them stop where something of the site's would be lost, or a file is missing.

    New processes of Postfix read main.cf as it is then, without a reload, so what would switch TLS off has to be found first. The values
    that the parameters had are saved once, for `rollback_lines`.
    """
    main = files[0]
    names = " ".join(name for name in _names(main) if not name.startswith("tlsconf_"))
    # One command for all: Postfix's programs wait out a main.cf that was changed within the last second or two.
    parameters = " ".join(shlex.quote(_assignment(name, value)) for name, value in _settings(main))
    tables = (f"postmap {map_type}:{_OUTBOUND}",) if releases.needs_postmap(map_type) else ()
    return (
        _release_guard(target),
        f"postconf -m | grep -qx {map_type} || {_stop(f'this Postfix has no {map_type} tables')}",
        *(_list_guard(name, (*ours.get(name, ()), *keep[name])) for name in managed),
        *(_pem_check(requirement.path) for requirement in requires),
        *_file_checks(files),
        f"test -e {_BEFORE} || postconf -n {names} > {_BEFORE}",
        f"postconf -e {parameters}",
        *tables,
    )


def check_lines(
    files: Sequence[PlannedFile], target: Target, map_type: str, requires: Sequence[Requirement], smarthost: NextHop | None
) -> tuple[str, ...]:
    """Return the lines that judge what is installed, before it is activated.

    `postconf -n` and `postfix check` exit 0 on much that is wrong, so what they write counts.
    """
    main = files[0]
    return (
        _release_guard(target),
        *_file_checks(files),
        f"! postconf {' '.join(_names(main))} 2>&1 | grep -Fvxf main.cf",
        "! postconf -n 2>&1 >/dev/null | grep .",
        "! postfix check 2>&1 | grep -E 'warning|error|fatal'",
        *(_pem_check(requirement.path) for requirement in requires),
        *(f"! postmap -q tlsconf.invalid {table} 2>&1 | grep -v '^tlsconf_'" for table in (f"{map_type}:{_OUTBOUND}", *_TABLES)),
        *_cipher_checks(main),
        _relayhost_check(smarthost),
    )


def rollback_lines(main: PlannedFile) -> tuple[str, ...]:
    """Return the lines that give every parameter the value that it had before the first compile."""
    return (
        f"test -e {_BEFORE}",
        f"postconf -X {' '.join(_names(main))}",
        f"tr '\\n' '\\0' < {_BEFORE} | xargs -0 -r postconf -e",
        f"rm {_BEFORE}",
        *ACTIVATE,
    )


def _settings(main: PlannedFile) -> Iterator[tuple[str, str]]:
    for section in main.sections:
        yield from section.settings


def _names(main: PlannedFile) -> list[str]:
    return [name for name, _ in _settings(main)]


def _assignment(name: str, value: str) -> str:
    return f"{quote(name, 'parameter')} = {quote(value, 'value')}".rstrip()


def _stop(message: str) -> str:
    """Return a command that fails and says why; it ends no shell that the line was pasted into."""
    return f"{{ echo {shlex.quote('tlsconf: ' + message)} >&2; false; }}"


def _release_guard(target: Target) -> str:
    known = releases.branch(target.release)
    stop = _stop(f"these files are for Postfix {known}; render for the release that is installed")
    return f'case "$(postconf -h mail_version)" in {known}|{known}.*) ;; *) {stop} ;; esac'


def _list_guard(name: str, entries: Sequence[str]) -> str:
    """Return a line that stops where the list has an entry that is neither ours nor kept."""
    take_out = 'case "$v" in *" $e "*) v="${v%%" $e "*} ${v#*" $e "}";; esac'
    words = " ".join(shlex.quote(entry) for entry in entries)
    each = f"for e in {words}; do {take_out}; done; " if entries else ""
    message = f"{name} has entries of the site; put them in targets.postfix.keep.{name}:"
    stop = f'{{ echo {shlex.quote("tlsconf: " + message)} "$v" >&2; false; }}'
    return f"v=\" $(postconf -h {name} | tr -s ', \\t\\n' ' ') \"; {each}case \"$v\" in *[!\\ ]*) {stop} ;; esac"


def _pem_check(path: str) -> str:
    return f"grep -q -e '-----BEGIN' {shlex.quote(path)} || {_stop(f'{path} is no PEM file that can be read')}"


def _file_checks(files: Sequence[PlannedFile]) -> Iterator[str]:
    for file in files:
        if file.destination is not None:
            yield f"cmp {file.path} {file.destination} >&2 || {_stop(f'copy {file.path} to {file.destination} first')}"


def _cipher_checks(main: PlannedFile) -> Iterator[str]:
    """Ask the openssl program, where there is one: a list that it refuses would put opportunistic mail in clear text."""
    for name, value in _settings(main):
        if name.endswith("_cipherlist") and name != "tls_preempt_cipherlist":
            yield f"! command -v openssl >/dev/null || openssl ciphers {shlex.quote(value)} >/dev/null"


def _relayhost_check(smarthost: NextHop | None) -> str:
    if smarthost is None:
        wanted, message = "''", "relayhost is set, but the profile has no smarthost: its rules go by the recipient's domain"
    else:
        spellings = [str(smarthost), *([f"[{smarthost.host}]"] if smarthost.port == _SMTP else [])]
        wanted, message = "|".join(map(shlex.quote, spellings)), f"relayhost is not the smarthost of the profile, {smarthost}"
    return f'case "$(postconf -hx relayhost)" in {wanted}) ;; *) {_stop(message)} ;; esac'
