"""Writes logs of mail that never was, of any size and always the same: what the speed of `tlsconf logs` is measured with."""

from __future__ import annotations

import time
from calendar import timegm
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOMAINS: Final = 5_000
PARTNERS: Final = tuple(f"partner{number}.example" for number in range(0, DOMAINS, 10))  # of which all mail is verified

_AT_A_TIME: Final = 60  # messages that servers have in their hands: their lines stand between each other
_BEGIN: Final = timegm((2026, 10, 1, 0, 0, 0))
_PACE: Final = 400  # bytes in a second: a gigabyte is a month
_BLOCK: Final = 1_000  # lines written at a time, in one second

_SESSIONS: Final = (
    ("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, " key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256"),
    ("TLSv1.3", "TLS_AES_128_GCM_SHA256", 128, " key-exchange ECDHE (P-256) server-signature ECDSA (P-256) server-digest SHA256"),
    ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", 256, ""),
    ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", 128, ""),
    ("TLSv1.2", "AES256-SHA", 256, ""),
)
_EXIM_SESSIONS: Final = (
    "TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256",
    "TLS1.3:ECDHE_SECP256R1__ECDSA_SECP256R1_SHA256__AES_128_GCM:128",
    "TLS1.2:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256",
    "TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_128_GCM:128",
    "TLS1.2:RSA__AES_256_CBC__SHA1:256",
)
# What a domain's host is like, by the last digit of the domain's number: half of them are verified.
_KINDS: Final = ("partner", "verified", "verified", "verified", "verified", "trusted", "untrusted", "anonymous", "clear", "held")
_VERIFIED: Final = {"partner", "verified"}
_OTHER_LINES: Final = (
    "dovecot[811]: imap-login: Login: user=<user{n}>, method=PLAIN, rip=203.0.113.{o}, lip=192.0.2.25, mpid={n}, TLS, session=<a{n}>",
    "dovecot[811]: imap(user{n})<{n}><a{n}>: Disconnected: Logged out in=512 out=48210 deleted=0 expunged=0 trashed=0 hdr_count=12",
    "opendkim[622]: {n:010X}: DKIM verification successful",
    "sshd[{n}]: Failed password for invalid user admin from 203.0.113.{o} port 50122 ssh2",
    "CRON[{n}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
    "kernel: [1234567.{n:06}] TCP: request_sock_TCP: Possible SYN flooding on port 25. Sending cookies.",
    "rspamd[701]: <a{n}>; task; rspamd_task_write_log: id: <{n}@mail.example>, (default: F (no action): [1.20/15.00]",
)


class _Case(NamedTuple):
    """One message: a number of its own, and the domain of the other side with the kind of its host."""

    number: int
    domain: str
    kind: str
    session: int

    @property
    def host(self) -> str:
        return f"mx1.{self.domain}"

    @property
    def address(self) -> str:
        whole = sum(self.domain.encode()) * 31 % 65_536
        return f"198.51.{whole >> 8}.{whole & 255}"


def write(path: Path, server: str, size: int) -> None:
    """Write about `size` bytes of what a server, and the programs beside it, would log."""
    make_stamp, script = _SERVERS[server]
    lines = _lines(script, Random(1))  # noqa: S311  (no secret)
    with path.open("w", encoding="ascii") as file:
        written = 0
        while written < size:
            stamp = make_stamp(_BEGIN + written // _PACE)
            written += file.write("".join(f"{stamp}{line}\n" for line in islice(lines, _BLOCK)))


def _lines(script: Callable[[_Case, Random, int], Iterator[str]], random: Random) -> Iterator[str]:
    """Yield lines of many messages at a time, without their times."""
    cases = _cases(random)
    slots = [script(next(cases), random, slot) for slot in range(_AT_A_TIME)]
    while True:
        slot = int(random.random() * _AT_A_TIME)
        line = next(slots[slot], None)
        if line is None:
            slots[slot] = script(next(cases), random, slot)
        else:
            yield line


def _cases(random: Random) -> Iterator[_Case]:
    """Yield messages without end: few domains have most of the mail."""
    number = 0
    while True:
        number += 1
        place = int(DOMAINS * random.random() ** 3)
        kind = _KINDS[place % 10]
        is_partner = kind == "partner"  # uses nothing that a profile would shut out
        session = int(random.random() * (len(_SESSIONS) - is_partner))
        yield _Case(number, f"{'partner' if is_partner else 'mail'}{place}.example", kind, session)


def _others(random: Random) -> Iterator[str]:
    """Yield lines of other programs now and then."""
    chance = random.random()
    if chance < 0.5:
        line = _OTHER_LINES[int(chance * 2 * len(_OTHER_LINES))]
        yield f"mx {line.format(n=int(random.random() * 30_000), o=int(chance * 500))}"


def _postfix(case: _Case, random: Random, slot: int) -> Iterator[str]:
    """Yield a message that comes in and goes out, or only comes in, or is refused; held ones are tried twice."""
    yield from _others(random)
    inbound = random.random() < 0.5
    queue_id = f"{case.number * 7919 % 0xFFFFFF + 0x1000000:07X}{case.number % 4096:03X}"
    client = f"{case.host}[{case.address}]" if inbound else "unknown[192.0.2.77]"
    sender, recipient = (case.domain, "mx.example") if inbound else ("mx.example", case.domain)
    smtpd, smtp = f"mx postfix/smtpd[{10_000 + slot}]: ", f"mx postfix/smtp[{20_000 + slot}]: "
    yield f"{smtpd}connect from {client}"
    version, cipher, bits, rest = _SESSIONS[case.session]
    words = f"{version} with cipher {cipher} ({bits}/{bits} bits){rest}"
    if case.kind != "clear" or not inbound:
        yield f"{smtpd}Anonymous TLS connection established from {client}: {words}"
    if case.number % 13 == 0:
        yield (
            f"{smtpd}NOQUEUE: reject: RCPT from {client}: 554 5.7.1 <u@elsewhere.example>: Relay access denied; "
            f"from=<a@{sender}> to=<u@elsewhere.example> proto=ESMTP helo=<{case.host}>"
        )
        yield f"{smtpd}disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt=0/1 quit=1 commands=5/6"
        return
    yield f"{smtpd}{queue_id}: client={client}"
    yield f"mx postfix/cleanup[{30_000 + slot % 9}]: {queue_id}: message-id=<{case.number}.{queue_id}@{sender}>"
    size = 800 + case.number % 90_000
    yield f"mx postfix/qmgr[900]: {queue_id}: from=<user{case.number % 997}@{sender}>, size={size}, nrcpt=1 (queue active)"
    yield f"{smtpd}disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7"
    to = f"{queue_id}: to=<user{case.number % 499}@{recipient}>"
    if inbound:
        yield (
            f"mx postfix/lmtp[{40_000 + slot % 9}]: {to}, relay=mx.example[private/dovecot-lmtp], delay=0.2, delays=0.1/0/0/0.1, "
            "dsn=2.0.0, status=sent (250 2.0.0 <u> Saved)"
        )
    else:
        yield from _postfix_delivery(case, smtp, f"{to}, relay={case.host}[{case.address}]:25", words)
        if case.kind == "held":
            yield f"mx postfix/qmgr[900]: {queue_id}: from=<user{case.number % 997}@{sender}>, size={size}, nrcpt=1 (queue active)"
            yield from _postfix_delivery(case._replace(kind="verified"), smtp, f"{to}, relay={case.host}[{case.address}]:25", words)
    yield f"mx postfix/qmgr[900]: {queue_id}: removed"


def _postfix_delivery(case: _Case, smtp: str, to: str, words: str) -> Iterator[str]:
    tenths = case.number % 90 / 10
    times = f"delay={0.5 + tenths:.1f}, delays=0.1/0.02/{tenths:.1f}/0.4"
    if case.kind == "held":
        yield f"{smtp}{to}, {times}, dsn=4.7.4, status=deferred (TLS is required, but was not offered by host {case.host}[{case.address}])"
        return
    proof = "Verified" if case.kind in _VERIFIED else case.kind.capitalize()
    if case.kind == "trusted":
        yield f"{smtp}server certificate verification failed for {case.host}[{case.address}]:25: num=62:hostname mismatch"
    if case.kind != "clear":
        yield f"{smtp}{proof} TLS connection established to {case.host}[{case.address}]:25: {words}"
    yield f"{smtp}{to}, {times}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {case.number:010X})"


def _sendmail(case: _Case, random: Random, slot: int) -> Iterator[str]:
    """Yield a message that comes in over TLS or not, and goes out."""
    yield from _others(random)
    process, deliverer = 10_000 + slot, 20_000 + slot
    version, cipher, bits, _ = _SESSIONS[case.session]
    words = f"version={version}, verify={{}}, cipher={cipher}, bits={bits}/{bits}"
    relay = f"relay={case.host} [{case.address}]"
    queue_id = f"6A{case.number % 0xFFFFFF:06X}{process:06}"
    secure = case.kind != "clear"
    mta, out = f"mx sm-mta[{process}]: ", f"mx sm-mta[{deliverer}]: "
    yield f"{mta}NOQUEUE: connect from {case.host} [{case.address}]"
    if secure:
        yield f"{mta}STARTTLS=server, {relay}, {words.format('NO')}"
    yield (
        f"{mta}{queue_id}: from=<user{case.number % 997}@{case.domain}>, size={800 + case.number % 90_000}, class=0, nrcpts=1, "
        f"msgid=<{case.number}@{case.domain}>, proto={'ESMTPS' if secure else 'ESMTP'}, daemon=MTA-v4, {relay}"
    )
    if secure:
        verify = "OK" if case.kind in _VERIFIED or case.kind == "trusted" else "FAIL"
        yield f"{out}STARTTLS=client, relay={case.host}., {words.format(verify)}"
    yield (
        f"{out}{queue_id}: to=<user{case.number % 499}@{case.domain}>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30072, "
        f"relay={case.host}. [{case.address}], dsn=2.0.0, stat=Sent (Ok: queued as {case.number:X})"
    )


def _exim(case: _Case, random: Random, slot: int) -> Iterator[str]:
    """Yield a message that comes in over TLS or not, and goes out; held ones are tried twice."""
    identifier = f"1x{case.number // 60 % 10_000:04}-{case.number % 10**11:011}-{slot:02}00"
    secure = case.kind != "clear"
    session = f" X={_EXIM_SESSIONS[case.session]}" if secure else ""
    peer = f"H={case.host} [{case.address}]"
    if random.random() < 0.2:
        yield f"no host name found for IP address {case.address}"
    yield (
        f"{identifier} <= user{case.number % 997}@{case.domain} {peer} P={'esmtps' if secure else 'esmtp'}{session} "
        f"S={800 + case.number % 90_000} id={case.number}@{case.domain}"
    )
    to = f"user{case.number % 499}@{case.domain} R=dnslookup T=remote_smtp"
    if case.kind == "held":
        yield f"{identifier} == {to} defer (-38) {peer}: a TLS session is required, but the server did not offer TLS support"
    proof = f'{session} CV={"yes" if case.kind in _VERIFIED else "no"} DN="CN={case.host}"' if secure else ""
    yield f'{identifier} => {to} {peer}{proof} C="250 2.0.0 Ok: queued as {case.number:X}"'
    yield f"{identifier} Completed"


def _syslog_stamp(when: int) -> str:
    return time.strftime("%b %e %H:%M:%S ", time.gmtime(when))


def _exim_stamp(when: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S ", time.gmtime(when))


_SERVERS: Final = {"postfix": (_syslog_stamp, _postfix), "sendmail": (_syslog_stamp, _sendmail), "exim": (_exim_stamp, _exim)}
