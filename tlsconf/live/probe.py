"""Speaks to a running server and holds what it does against a profile: the order of the checks, and what can't be tested."""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from tlsconf import law
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.live.mail import probe_mail
from tlsconf.live.offers import probe_groups, probe_sessions
from tlsconf.live.presented import probe_certificates
from tlsconf.live.probed import Probed, Seen, Untested
from tlsconf.live.server import Server, StartTlsError, at_handshake, client, met, patiently
from tlsconf.live.smtp import BusyError, HandshakeError, SmtpError, TimeIsUpError
from tlsconf.policy import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from ipaddress import IPv4Address, IPv6Address

    from tlsconf.live.smtp import Address, Connection
    from tlsconf.plan import Limitation
    from tlsconf.policy import Policy

CHECKS: Final[dict[str, str]] = {
    "starttls-missing": "STARTTLS is not offered, and the profile has TLS for mail that comes in.",
    "starttls-offered": "STARTTLS is offered, and the profile has no TLS for mail that comes in.",
    "starttls-fails": "TLS is offered, by STARTTLS or on the port for it, and then refused, or what follows is no TLS.",
    "starttls-garbage": "The server says more in clear text after its answer to STARTTLS.",
    "starttls-injection": "The server obeys a command that came in clear text before the handshake.",
    "version-accepted": "A TLS version below the profile's minimum is accepted.",
    "version-refused": "A TLS version that the profile has is refused.",
    "suite-accepted": "A cipher suite that the profile does not have is accepted.",
    "suite-refused": "A cipher suite that the profile has is refused.",
    "suites-order": "Suites are chosen in another order than the profile says.",
    "group-accepted": "A key-exchange group that the profile does not have is accepted.",
    "group-refused": "A key-exchange group that the profile has is refused.",
    "certificate-expired": "A certificate has expired.",
    "certificate-not-yet-valid": "A certificate is not valid yet.",
    "certificate-other-name": "A certificate is not for the server's host name.",
    "certificate-unusable": "OpenSSL does not accept a certificate.",
    "certificate-untrusted": "The profile's own trust anchors do not lead to a certificate.",
    "key-short": "The key of a certificate is shorter than RFC 9325 section 4.5 allows.",
    "clear-text-accepted": "Mail is accepted in clear text where the profile requires TLS.",
    "clear-text-refused": "Mail is refused in clear text where nothing in the profile requires TLS.",
    "answer-differs": "Clear text is refused otherwise than the profile says: for good, for now, or not with 530.",
    "mail-refused": "Mail is refused over TLS, though the session is as the profile says.",
    "rule-version-accepted": "Mail is accepted over a TLS version below the rule's own minimum.",
}
_SERVERS_AT_ONCE: Final = 16
_GRACE: Final = 1.0  # seconds after the end, in which what waits for the network stops by itself


def probe(
    addresses: Sequence[Address], policy: Policy, limitations: Sequence[Limitation], deadline: float, recipient: str | None = None
) -> list[Probed | EnvironmentFailedError]:
    """Speak to servers, one question after the other to each, until `time.monotonic()` is `deadline`; what is not known then is untested.

    `recipient` is one that the servers take mail for from everybody; their own postmasters where none is given. No message is sent.
    An error stands for a server that can't be reached.
    """
    from concurrent.futures import Future
    from threading import Thread

    answers: dict[Address, Future[Probed | EnvironmentFailedError]] = {address: Future() for address in addresses}
    hosts: SimpleQueue[list[Address]] = SimpleQueue()
    for host in dict.fromkeys(address.host for address in addresses):
        hosts.put([address for address in addresses if address.host == host])  # its ports in turn: it may limit its connections

    def work() -> None:
        with suppress(Empty):
            while True:
                for address in hosts.get_nowait():
                    try:
                        answers[address].set_result(_probe(address, policy, limitations, deadline, recipient))
                    except Exception as error:  # noqa: BLE001  (raised where somebody waits for the answer)
                        answers[address].set_exception(error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
        for _ in addresses[:_SERVERS_AT_ONCE]:
            # Nobody waits for one after the end, or after ^C: the system's search for a name and OpenSSL's handshake know no time.
            Thread(target=work, daemon=True).start()
        return [_awaited(answer, address, deadline) for address, answer in answers.items()]


def _awaited(answer: Future[Probed | EnvironmentFailedError], address: Address, deadline: float) -> Probed | EnvironmentFailedError:
    try:
        return answer.result(max(0.0, deadline + _GRACE - time.monotonic()))
    except TimeoutError:
        return EnvironmentFailedError(f"{address}: the time was up before there was an answer (--timeout says how long all may take)")


def _probe(
    address: Address, policy: Policy, limitations: Sequence[Limitation], deadline: float, recipient: str | None
) -> Probed | EnvironmentFailedError:
    named = None if ":" in address.host or address.host.replace(".", "").isdigit() else address.host
    server = Server(address, policy.server.hostname or named, deadline)
    try:
        peer, own, name, offers = _greeted(server)
    except SmtpError as error:
        return EnvironmentFailedError(f"{address}: {error}")
    server = server._replace(address=address._replace(host=peer))  # a name may have several addresses: one server is asked
    seen = Seen({}, {}, [])
    found: list[Discrepancy] = []
    untested: list[Untested] = []
    parts = [("starttls", _starttls(policy, offers=offers))]
    if offers and policy.inbound.tls is not Level.NONE:
        parameters = law.listener(policy)
        parts += [
            ("sessions", probe_sessions(server, parameters, limitations, seen)),
            ("groups", probe_groups(server, parameters, limitations, seen)),
            ("certificates", probe_certificates(server, policy, seen)),
        ]
    parts.append(("mail", probe_mail(server, policy, limitations, seen, own, recipient or f"postmaster@{name}")))
    if offers and not server.is_implicit:  # last, as some servers note down who does such things
        parts.append(("starttls", _injection(server)))
    for part, items in parts:
        try:
            for item in items:
                (found if isinstance(item, Discrepancy) else untested).append(item)  # type: ignore[arg-type]
        except StartTlsError as error:
            found.append(Discrepancy(error.id, "error", str(error)))
            untested.append(Untested(part, "the rest, for want of a handshake"))
        except SmtpError as error:
            hint = "; it limits how often one may connect: wait, or ask from a client that it does not limit" if _is_busy(error) else ""
            untested.append(Untested(part, f"not all: {error}{hint}", is_cut=True))
    found = sorted(dict.fromkeys(found), key=lambda item: item.severity)
    return Probed(str(address), peer, policy.host, seen, tuple(found), tuple(dict.fromkeys(untested)))


def _greeted(server: Server) -> tuple[str, IPv4Address | IPv6Address, str, bool]:
    """Return the server's address, this side's, the server's name as it says it, and whether it offers TLS."""
    if server.is_implicit:
        with at_handshake(server) as connection:
            return connection.peer, _own(connection), server.name or connection.peer, True
    with met(server) as (connection, reply):
        offers = any(line.split()[:1] == ["STARTTLS"] for line in map(str.upper, reply.lines[1:]))
        connection.quit()
        return connection.peer, _own(connection), reply.lines[0].partition(" ")[0], offers


def _own(connection: Connection) -> IPv4Address | IPv6Address:
    from ipaddress import ip_address

    address = ip_address(connection.own.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _starttls(policy: Policy, *, offers: bool) -> Iterator[Discrepancy | Untested]:
    if policy.inbound.tls is Level.NONE:
        if offers:
            yield Discrepancy("starttls-offered", "error", "TLS is offered, and the profile says `inbound.tls: none`")
    elif not offers:
        yield Discrepancy(
            "starttls-missing", "error", "STARTTLS is not offered", remedy="check the server's certificate and key, and its log"
        )
        yield Untested("sessions", "versions, suites, groups and certificates: without STARTTLS there is nothing to ask for")


def _injection(server: Server) -> Iterator[Discrepancy | Untested]:
    """Send a command in one packet with STARTTLS: a server that answers it after the handshake took it for encrypted (CVE-2011-0411)."""
    answers: list[int] = []

    def inject(_: Server, connection: Connection) -> None:
        connection.greeted()
        connection.hello()
        try:
            connection.send(b"STARTTLS\r\nNOOP\r\n")
            if connection.reply().code == 220:  # noqa: PLR2004  (a code of SMTP)
                connection.handshake(client(), server.name)
                answers.append(connection.command("QUIT").code)
        except (BusyError, TimeIsUpError, HandshakeError):
            raise
        except SmtpError:  # it refused, or closed the connection, as it should
            pass

    try:
        with patiently(server, inject):
            pass
    except HandshakeError as error:
        if not error.by_server:
            yield Untested("starttls", f"whether commands before the handshake are obeyed: {error}")
    if answers == [250]:  # as NOOP is answered; 221 is for QUIT
        message = "a command that came in clear text, together with STARTTLS, is obeyed after the handshake"
        yield Discrepancy("starttls-injection", "error", message, remedy="update the server (CVE-2011-0411)")


def _is_busy(error: SmtpError) -> bool:
    return isinstance(error, BusyError)
