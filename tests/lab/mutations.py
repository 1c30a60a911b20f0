"""Errors made on purpose in rendered output: each must be found by the cells that are named for it, or the lab proves nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.lab.judge import TOLD
from tests.lab.run import run
from tests.lab.scenarios import all_scenarios

if TYPE_CHECKING:
    from pathlib import Path


class Mutation(NamedTuple):
    """An error: text that is replaced in a target's rendered files, and the cells of which each must find it."""

    name: str
    build: str
    old: str
    new: str
    cells: tuple[str, ...]


class MutationError(Exception):
    """The text to be replaced is not in the rendered files."""


def check(mutation: Mutation) -> tuple[Mutation, tuple[str, ...]]:
    """Run the named cells with the error; return those that found it: all of them, or none.

    Raises `MutationError` where there is nothing to replace.
    """
    names = set(mutation.cells)
    some = ("/stranger/free.test/", "/hostname/valid") if any(name.endswith(TOLD) for name in names) else ()  # messages to be told of
    scenario = next(s for s in all_scenarios() if s.name == mutation.cells[0].split("/")[1])
    together = {cell.host for cell in scenario.outbound if cell.id in names or any(part in cell.id for part in some)}
    chosen = scenario._replace(
        outbound=tuple(cell for cell in scenario.outbound if cell.host in together),
        inbound=tuple(cell for cell in scenario.inbound if cell.id in names or any(part in cell.id for part in some)),
    )
    done = run(mutation.build, chosen, tamper=lambda folder: _replace(folder, mutation))
    found = {result.cell for result in done.results if result.is_broken}
    return mutation, mutation.cells if names <= found else ()


def _replace(folder: Path, mutation: Mutation) -> None:
    """Replace the text wherever it is, the manifest's commands included, as if it had been rendered so."""
    manifest = folder / "manifest.json"
    data = json.loads(manifest.read_text())
    places = 0
    for entry in data["files"]:
        path = folder / entry["path"]
        text = path.read_text()
        places += text.count(mutation.old)
        path.write_text(text.replace(mutation.old, mutation.new))
        entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in {folder / "main.cf"} & set(folder.iterdir()):  # Postfix's parameters are given by commands
        text = path.read_text()
        places += text.count(mutation.old)
        path.write_text(text.replace(mutation.old, mutation.new))
    for name in ("compile", "check"):
        data[name] = [line.replace(mutation.old, mutation.new) for line in data[name]]
    manifest.write_text(json.dumps(data))
    if not places:
        raise MutationError(f"{mutation.build}: {mutation.old!r} is in no file")


_POSTFIX: Final = "postfix-debian-13"
_EXIM: Final = "exim-debian-13"
_OPENSSL: Final = "exim-openssl"
_SENDMAIL: Final = "sendmail-debian-13"

MUTATIONS: Final = (
    Mutation("a rule dropped", _POSTFIX, ".required.test encrypt\n", "", ("out/rules/required/no-starttls", "out/rules/required/454")),
    Mutation("encrypt turned into may", _POSTFIX, ".required.test encrypt", ".required.test may", ("out/rules/required/no-starttls",)),
    Mutation("a rule's floor lowered", _POSTFIX, "encrypt protocols=>=TLSv1.3", "encrypt", ("out/rules/floor/tls1.2",)),
    Mutation("verify turned into encrypt", _POSTFIX, ".hostname.test verify", ".hostname.test encrypt",
             ("out/rules/hostname/self-signed",)),
    Mutation("a wildcard widened", _POSTFIX, ".wild.test encrypt", ".wild.test encrypt\nwild.test encrypt",
             ("out/rules/pattern/wild.test",)),
    Mutation("dane turned into may", _POSTFIX, ".dane.test dane", ".dane.test may", ("out/rules/dane/tlsa-not-matching",)),
    Mutation("a name added to mx", _POSTFIX, "match=", "match=.hosts.test:", ("out/rules/mx/valid",)),
    Mutation("a hop's port lost", _POSTFIX, "[relay2525.hosts.test]:2525", "[relay2525.hosts.test]:2526",
             ("out/rules/hop/port-2525/no-starttls",)),
    Mutation("a sender's wildcard widened", _POSTFIX, r"/@.+\.below", r"/@(.+\.)?below", ("in/rules/stranger/below.test/clear",)),
    Mutation("clear text answered as if it were fine", _POSTFIX, "tlsconf_reject = reject_plaintext_session",
             "tlsconf_reject = warn_if_reject, reject_plaintext_session",
             ("in/rules/stranger/bank.test/clear", "in/rules/link/free.test/clear")),
    Mutation("a group added", _POSTFIX, "prime256v1 secp384r1", "prime256v1 secp384r1 secp521r1", ("in/rules/handshake/tls1.3-secp521r1",)),
    Mutation("no word of TLS in headers", _POSTFIX, "smtpd_tls_received_header = yes", "smtpd_tls_received_header = no",
             ("in/rules/received",)),
    Mutation("no word of TLS in logs", _POSTFIX, "tls_loglevel = 1", "tls_loglevel = 0", ("out/rules/log", "in/rules/log")),
    Mutation("multi_domain left on", _EXIM, "multi_domain = false", "multi_domain = true", ("out/rules/one-message/no-starttls/default",)),
    Mutation("sessions passed on", _EXIM, "hosts_nopass_tls = *", "hosts_nopass_tls =",
             ("out/rules/queued/required-then-hostname-self-signed/second",)),
    Mutation("the bare name of a wildcard left out", _EXIM, "wild.test: tls=opportunistic verify=none session=opportunistic\n", "",
             ("out/rules/pattern/wild.test",)),
    Mutation("names not compared", _EXIM, "tls_verify_cert_hostnames = ${if eq{${extract{names}{TLSCONF_RULE}}}{}{*}{}}",
             "tls_verify_cert_hostnames =", ("out/rules/hostname/other-name",)),
    Mutation("too many clients exempt", _EXIM, "198.18.201.0/24", "198.18.200.0/21", ("in/rules/link/free.test/clear",)),
    Mutation("a suite added", _OPENSSL, "ECDHE-RSA-AES128-GCM-SHA256\n", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256\n",
             ("in/rules/handshake/cbc", "out/rules/required/suites-outside")),
    Mutation("required turned into opportunistic", _SENDMAIL, "*.required.test\trequired", "*.required.test\topportunistic",
             ("out/rules/required/no-starttls",)),
    Mutation("any certificate is good", _SENDMAIL, "R<OK> hostname : $-", "R<$-> hostname : $-", ("out/rules/hostname/self-signed",)),
    Mutation("a rule's floor forgotten", _SENDMAIL, "required:none:TLSv1_3", "required:none:TLSv1_2", ("out/rules/floor/tls1.2",)),
    Mutation("an exempt network forgotten", _SENDMAIL, "198.18.201\texempt\n", "", ("in/rules/exempt/bank.test/clear",)),
    Mutation("what a rule answers thrown away", _SENDMAIL, "R$* $| $#$*\t\t$#$2", "R$* $| $#$*\t\t$: $1 $| OK",
             ("out/rules/required/no-starttls", "out/rules/hostname/self-signed")),
)  # fmt: skip
