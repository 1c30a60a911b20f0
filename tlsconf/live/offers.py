"""Which versions, suites and groups a server accepts and refuses: asked one by one, and held against what the profile allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf import law
from tlsconf.live.allowances import allowed_for
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.live.hello import Chosen
from tlsconf.live.probed import Untested
from tlsconf.live.registry import group_names, suite_names
from tlsconf.live.server import offered
from tlsconf.tls import Version, is_tls13

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tlsconf.live.probed import Seen
    from tlsconf.live.server import Server
    from tlsconf.plan import Limitation
    from tlsconf.policy import Parameters

_SSL3: Final = 0x0300
_MANY: Final = 12  # things that the profile does not have, after which nobody wants to know the rest
_REMEDY: Final = "render again, and install it as INSTALL.md says; `tlsconf inspect` on the machine finds where it differs"


def probe_sessions(
    server: Server, parameters: Parameters, limitations: Sequence[Limitation], seen: Seen
) -> Iterator[Discrepancy | Untested]:
    """Ask for each version, with the suites that the profile has for it and with all others; note in `seen` what is accepted."""
    allowed = law.sessions(parameters)
    numbers = {name: number for number, name in suite_names().items()}
    for version in (_SSL3, *Version):
        wanted = [numbers[suite] for suite in parameters.cipher_suites if (version, suite) in allowed]
        tls13 = version == Version.TLSv1_3
        others = [number for number, name in suite_names().items() if is_tls13(name) == tls13 and number not in wanted]
        groups = tuple(group_names(tls13=tls13))

        def choose(left: Sequence[int], version: int = version, groups: Sequence[int] = groups) -> int | None:
            chosen = offered(server, version, left, groups)
            return chosen.suite if isinstance(chosen, Chosen) else None

        # The other way round than the profile has them: the order in which they are chosen is then the server's own.
        accepted = _names(_taken(choose, wanted[::-1]))
        extra = _names(_taken(choose, others, _MANY if version >= parameters.minimum_version else 1))
        label = "SSLv3" if version == _SSL3 else str(Version(version))
        if accepted or extra:
            seen.suites[label] = (*accepted, *extra)
        for item in _judged(label, version, parameters, _names(wanted), accepted, extra):
            yield item if isinstance(item, Untested) else allowed_for(item, limitations, suite=item.path)._replace(path=None)


def _judged(
    label: str, version: int, parameters: Parameters, wanted: Sequence[str], accepted: Sequence[str], extra: Sequence[str]
) -> Iterator[Discrepancy | Untested]:
    """Yield what is wrong with a version; `path` is the suite, for the limitations."""
    if version < parameters.minimum_version:
        if extra:
            message = f"{label} is accepted (with {extra[0]}); the profile's minimum is {parameters.minimum_version}"
            yield Discrepancy("version-accepted", "error", message, remedy=_REMEDY)
        return
    for suite in extra:
        yield Discrepancy(
            "suite-accepted", "error", f"{label} with {suite} is accepted, which the profile does not have", suite, remedy=_REMEDY
        )
    if wanted and not accepted:
        message = f"{label} is refused with every suite that the profile has for it"
        yield Discrepancy("version-refused", "error", message, remedy=_REMEDY)
        return
    missing = [suite for suite in wanted if suite not in accepted]
    proofs = {_proof(suite) for suite in (*accepted, *extra)}
    for suite in missing:
        if _proof(suite) in proofs:
            message = f"{label} with {suite} is refused, which the profile has"
            yield Discrepancy("suite-refused", "error", message, suite, remedy=_REMEDY)
    for proof in sorted({_proof(suite) for suite in missing} - proofs):
        names = ", ".join(suite for suite in missing if _proof(suite) == proof)
        yield Untested("suites", f"{label} with {names}: that needs a certificate with a key for {proof}, and the server shows none")
    order = [suite for suite in (wanted if parameters.prefer_server_order else wanted[::-1]) if suite in accepted]
    if list(accepted) != order:
        whose = "the order of the profile" if parameters.prefer_server_order else "the client's order"
        message = f"{label}: suites are not chosen by {whose}, but so: {', '.join(accepted)}"
        yield Discrepancy("suites-order", "warning", message)


def probe_groups(server: Server, parameters: Parameters, limitations: Sequence[Limitation], seen: Seen) -> Iterator[Discrepancy | Untested]:
    """Ask for each group of the profile and for all others, in TLS 1.3 and in TLS 1.2, with suites that the server was seen to accept."""
    numbers = {name: number for number, name in suite_names().items()}
    asked: set[str] = set()
    for version in (Version.TLSv1_3, Version.TLSv1_2):
        suites = [numbers[suite] for suite in seen.suites.get(str(version), ()) if is_tls13(suite) or suite.startswith("TLS_ECDHE_RSA_")]
        if not suites:  # an ECDSA certificate before TLS 1.3 needs its own curve among the client's, whatever the key exchange has
            continue
        known = group_names(tls13=version is Version.TLSv1_3)
        wanted = [number for name in parameters.groups for number, group in known.items() if group == name]
        asked.update(known[number] for number in wanted)

        def choose(left: Sequence[int], version: int = version, suites: Sequence[int] = suites) -> int | None:
            chosen = offered(server, version, suites, left)
            return chosen.group if isinstance(chosen, Chosen) else None

        accepted = _taken(choose, wanted)
        extra = _taken(choose, [number for number in known if number not in wanted], _MANY)
        seen.groups[str(version)] = tuple(known[number] for number in (*accepted, *extra))
        missing = [number for number in wanted if number not in accepted]
        for identifier, groups, verb, has in (
            ("group-refused", missing, "refused", "has"),
            ("group-accepted", extra, "accepted", "does not have"),
        ):
            if groups:
                message = f"{version}: groups that are {verb}, and that the profile {has}: {', '.join(known[number] for number in groups)}"
                yield allowed_for(Discrepancy(identifier, "error", message, remedy=_REMEDY), limitations)
    left = [group for group in parameters.groups if group not in asked]
    if left:
        yield Untested("groups", f"{', '.join(left)}: the server accepts no session in which they could be asked for")


def _taken(choose: Callable[[Sequence[int]], int | None], offers: Sequence[int], most: int | None = None) -> list[int]:
    """Offer all, then all but what was chosen, and so on until nothing is; return what was chosen, in that order."""
    left, found = list(offers), list[int]()
    while left and (most is None or len(found) < most):
        chosen = choose(left)
        if chosen not in left:
            break
        found.append(chosen)
        left.remove(chosen)
    return found


def _names(numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(suite_names()[number] for number in numbers)


def _proof(suite: str) -> str:
    """Return what a server proves itself with under a suite: any key does in TLS 1.3."""
    return "any" if is_tls13(suite) else "ECDSA" if "_ECDSA_" in suite else "RSA"
