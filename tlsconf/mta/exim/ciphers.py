"""What a session may be, as values of `tls_require_ciphers` and the options that go with it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tlsconf import tls
from tlsconf.errors import PlanError
from tlsconf.mta.exim import limitations as say
from tlsconf.mta.exim.releases import gnutls_groups, openssl_curves
from tlsconf.tls import GROUPS, Version, gnutls_parts, is_tls13, older_suites, suite_minimum_version, tls13_suites

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tlsconf.mta.exim.releases import Facts
    from tlsconf.plan import Limitation
    from tlsconf.policy import Parameters

# A list that has no usable suite below TLS 1.3: Exim sets no pre-shared keys.
_NO_OLDER_SUITE = "PSK"


class Sessions(NamedTuple):
    """Values for one plan: `tls_require_ciphers` by the word that tables use, and what holds for the whole server."""

    ciphers: dict[str, str]
    listener: str
    curves: str
    options: str
    limitations: tuple[Limitation, ...]


def sessions(outbound: Mapping[str, Parameters], rules: Mapping[str, tuple[str, ...]], listener: Parameters, facts: Facts) -> Sessions:
    """Return the values for sessions of each kind.

    `outbound` has the parameters by their word, `rules` the rules that use a word. Raises `PlanError` where a list allows nothing.
    """
    for parameters in (*outbound.values(), listener):
        _require_something(parameters)
    if facts.gnutls:
        return _gnutls(outbound, listener)
    return _openssl(outbound, rules, listener, facts)


def _usable(parameters: Parameters) -> tuple[str, ...]:
    """Return the suites that some allowed version has; older ones also run in every version up to TLS 1.2."""
    floor = parameters.minimum_version
    return tuple(suite for suite in parameters.cipher_suites if is_tls13(suite) or floor <= Version.TLSv1_2)


def _require_something(parameters: Parameters) -> None:
    if not _usable(parameters):
        raise PlanError(
            ("tls", "cipher_suites"),
            f"no cipher suite of the list is one of {parameters.minimum_version}, the lowest version of some sessions",
            "a list with a suite of that version or a later one",
        )


def _versions(parameters: Parameters) -> Iterator[Version]:
    """Yield the versions for which there is a suite, newest first."""
    suites = _usable(parameters)
    for version in sorted(Version, reverse=True):
        has_suite = any(is_tls13(s) == (version is Version.TLSv1_3) and suite_minimum_version(s) <= version for s in suites)
        if version >= parameters.minimum_version and has_suite:
            yield version


def _unique(parts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(part for part in parts if part is not None))


def gnutls_priority(parameters: Parameters) -> str:
    """Return a priority string (GnuTLS manual, "Priority strings"): versions, the product of the suites' parts, groups.

    Raises `PlanError` where GnuTLS can name none of the groups.
    """
    suites = _usable(parameters)
    parts = [gnutls_parts(suite) for suite in suites]
    groups = gnutls_groups(parameters.groups)
    if parameters.groups and not groups:
        raise PlanError(
            ("tls", "groups"), "GnuTLS can name none of these groups", "a list that also has one of X25519, secp256r1, secp384r1"
        )
    elements = [
        *(f"VERS-{str(version).replace('v', '')}" for version in _versions(parameters)),
        *_unique(part.key_exchange for part in parts),
        *_unique(part.cipher for part in parts),
        *_unique(part.mac for part in parts),
        "SIGN-ALL",
        *(str(GROUPS[name].gnutls) for name in groups),
        *(() if groups else ("GROUP-ALL",)),
        "COMP-NULL",
    ]
    return "NONE:" + ":".join(f"+{element}" for element in elements)


@cache
def _gnutls_product(suites: tuple[str, ...]) -> tuple[str, ...]:
    """Return the suites that the parts of a list combine to, in no order that matters."""
    parts = [gnutls_parts(suite) for suite in suites]
    exchanges, ciphers, macs = ({part[i] for part in parts} for i in range(3))
    older = any(exchanges - {None})
    newer = None in exchanges
    return tuple(
        name
        for name in tls.suites()
        if (part := gnutls_parts(name)).cipher in ciphers
        and part.mac in macs
        and (newer if part.key_exchange is None else older and part.key_exchange in exchanges)
    )


def _gnutls(outbound: Mapping[str, Parameters], listener: Parameters) -> Sessions:
    found: list[Limitation] = []
    for parameters in dict.fromkeys((*outbound.values(), listener)):
        listed = _usable(parameters)
        added = tuple(suite for suite in _gnutls_product(listed) if suite not in listed)
        if added:
            found.append(say.exim_gnutls_suites_added(listed, added))
        lost = tuple(name for name in parameters.groups if name not in gnutls_groups(parameters.groups))
        if lost:
            found.append(say.exim_gnutls_groups(lost))
    preference = ":%SERVER_PRECEDENCE" if listener.prefer_server_order else ""
    return Sessions(
        ciphers={word: gnutls_priority(parameters) for word, parameters in outbound.items()},
        listener=gnutls_priority(listener) + preference,
        curves="",
        options="",
        limitations=tuple(dict.fromkeys(found)),
    )


def _openssl(outbound: Mapping[str, Parameters], rules: Mapping[str, tuple[str, ...]], listener: Parameters, facts: Facts) -> Sessions:
    everything = (*outbound.values(), listener)
    versions = {version for parameters in everything for version in _versions(parameters)}
    lowest = min(versions)
    limitations: list[Limitation] = []
    if Version.TLSv1_3 in versions:
        limitations += _tls13_differences(everything)
    limitations.append(say.exim_openssl_groups_outbound())
    stripped = _unique(suite for parameters in everything for suite in _stripped(parameters, lowest, facts))
    if stripped:
        limitations.append(say.exim_openssl_old_suites(tuple(stripped)))
    raised = [word for word, parameters in outbound.items() if _floor(parameters) is Version.TLSv1_1 and lowest is Version.TLSv1_0]
    if raised:
        names = tuple(name for word in raised for name in rules.get(word, ()))
        limitations.append(say.exim_openssl_floor_raised(names, ", ".join(raised)))
    curves = _curves(listener, facts)
    if curves == "auto":
        limitations.append(say.exim_openssl_groups_inbound())
    options = [f"+no_{str(version).lower().replace('.', '_').removesuffix('_0')}" for version in Version if version not in versions]
    if listener.prefer_server_order:
        options.append("+cipher_server_preference")
    return Sessions(
        ciphers={word: _openssl_list(parameters, lowest, facts) for word, parameters in outbound.items()},
        listener=_openssl_list(listener, lowest, facts),
        curves=curves,
        options=" ".join(options),
        limitations=tuple(limitations),
    )


def _floor(parameters: Parameters) -> Version:
    return min(_versions(parameters))


def _tls13_differences(everything: Iterable[Parameters]) -> list[Limitation]:
    """Compare what each kind of session lists with what OpenSSL offers wherever some session may use TLS 1.3."""
    found = []
    for parameters in dict.fromkeys(everything):
        listed = _usable(parameters)
        modern = tls13_suites(listed)
        added = tuple(suite for suite in tls.OPENSSL_DEFAULT_TLS13 if suite not in modern)
        lost = tuple(suite for suite in modern if suite not in tls.OPENSSL_DEFAULT_TLS13)
        if added or lost:
            found.append(say.exim_openssl_tls13_suites(listed, added, lost))
    return list(dict.fromkeys(found))


def _stripped(parameters: Parameters, lowest: Version, facts: Facts) -> tuple[str, ...]:
    """Return the suites that would let a version below the floor in."""
    floor = _effective_floor(parameters, lowest)
    if floor <= lowest or floor is not Version.TLSv1_2 or facts.old_versions_need_level_0:
        return ()
    return tuple(suite for suite in older_suites(_usable(parameters)) if suite_minimum_version(suite) < Version.TLSv1_2)


def _effective_floor(parameters: Parameters, lowest: Version) -> Version:
    floor = _floor(parameters)
    return Version.TLSv1_2 if floor is Version.TLSv1_1 and lowest is Version.TLSv1_0 else floor


def _openssl_list(parameters: Parameters, lowest: Version, facts: Facts) -> str:
    """Return the list of older suites, never empty: an empty list turns TLS off (SSL_CTX_set_cipher_list(3))."""
    stripped = _stripped(parameters, lowest, facts)
    suites = tuple(suite for suite in older_suites(_usable(parameters)) if suite not in stripped)
    if not suites:
        return _NO_OLDER_SUITE
    # Level 0 lets TLS 1.0 and 1.1 be (SSL_CTX_set_security_level(3)).
    level = ":@SECLEVEL=0" if _effective_floor(parameters, lowest) < Version.TLSv1_2 else ""
    return tls.openssl_list(suites) + level


def _curves(listener: Parameters, facts: Facts) -> str:
    wants_hybrid = any(name in tls.HYBRID_GROUPS for name in listener.groups) and facts.hybrid_possible
    names = openssl_curves(listener.groups)
    if not facts.curves or wants_hybrid or not names:
        return "auto"
    return ":".join(GROUPS[name].openssl for name in names)
