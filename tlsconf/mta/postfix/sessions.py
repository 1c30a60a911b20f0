"""Which TLS sessions a policy leads to, and how Postfix is told what they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.errors import PlanError
from tlsconf.mta.postfix import limitations, releases
from tlsconf.policy import Level, Verify
from tlsconf.tls import (
    FFDHE_GROUPS,
    GROUPS,
    HYBRID_GROUPS,
    OPENSSL_DEFAULT_TLS13,
    Version,
    is_tls13,
    older_suites,
    openssl_list,
    strength,
    suite_minimum_version,
    tls13_suites,
    weakest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tlsconf.plan import Kind, Limitation
    from tlsconf.policy import OutboundRule, Parameters, Policy, Release, Target

# For a floor without suites below TLS 1.3: a list must not be empty, and pre-shared keys are never set up, so it stands for none.
_NO_OLDER_SUITES: Final = "PSK+AESGCM"
# TLS 1.0 and 1.1 sign with SHA-1, which OpenSSL 3 allows at security level 0 only (SSL_CTX_set_security_level(3)).
_OLD_VERSIONS_LEVEL: Final = ":@SECLEVEL=0"
_POSTFIX_VERSIONS: Final = {Version.TLSv1_0: "TLSv1", Version.TLSv1_1: "TLSv1.1", Version.TLSv1_2: "TLSv1.2", Version.TLSv1_3: "TLSv1.3"}


class Range(NamedTuple):
    """The versions that a session may have; `high` is `None` where later ones may come."""

    low: Version
    high: Version | None


class Use(NamedTuple):
    """Sessions under one floor, `tls` or `tls.opportunistic`; `rule` is `None` for the defaults and for the listener."""

    rule: str | None
    floor: Level
    parameters: Parameters
    versions: Range


class Groups(NamedTuple):
    """The two parameters for key-exchange groups, and what can't be kept of the lists."""

    eecdh: str
    ffdhe: str
    limitations: tuple[Limitation, ...]


def version_range(parameters: Parameters) -> Range:
    """Return the versions for which the list has a suite; without one from the floor up, raise `PlanError`."""
    suites = parameters.cipher_suites
    older = [suite_minimum_version(name) for name in suites if not is_tls13(name)]
    low = max(parameters.minimum_version, min(older)) if older else Version.TLSv1_3
    high = None if any(map(is_tls13, suites)) else Version.TLSv1_2
    if high is not None and max(low, parameters.minimum_version) > high:
        raise PlanError(
            ("tls", "cipher_suites"), f"no suite of the list can be used from {parameters.minimum_version} up", "a suite of TLS 1.3"
        )
    return Range(max(low, parameters.minimum_version), high)


def rule_range(policy: Policy, rule: OutboundRule | None) -> Range:
    """Return the versions of a rule that has a floor of its own: one range, also where TLSA records may make a session mandatory."""
    decision = law.outbound_decision(policy, rule)
    one = version_range(decision.parameters)
    if decision.verify is not Verify.DANE:
        return one
    other = version_range(decision.authenticated)
    return Range(min(one.low, other.low), None if None in {one.high, other.high} else Version.TLSv1_2)


def protocols(versions: Range, release: Release, separator: str) -> str:
    """Return a list of protocols: bounds, or exclusions where the release has no bounds."""
    if releases.has(release, "version_bounds"):
        bounds = [f">={_POSTFIX_VERSIONS[versions.low]}"]
        if versions.high is not None:
            bounds.append(f"<={_POSTFIX_VERSIONS[versions.high]}")
        return separator.join(bounds)
    below = [name for version, name in _POSTFIX_VERSIONS.items() if version < versions.low]
    above = [name for version, name in _POSTFIX_VERSIONS.items() if versions.high is not None and version > versions.high]
    return separator.join(f"!{name}" for name in ("SSLv2", "SSLv3", *below, *above))


def uses(policy: Policy) -> tuple[Use, ...]:
    """Return every kind of session that the policy leads to."""
    found = []
    for rule in (None, *policy.outbound.rules):
        decision = law.outbound_decision(policy, rule)
        floors = {decision.tls: decision.parameters} if decision.tls is not Level.NONE else {}
        if decision.verify is Verify.DANE:
            floors[Level.REQUIRED] = decision.authenticated
        for floor, parameters in floors.items():
            has_own_floor = rule is not None and rule.minimum_version is not None
            versions = rule_range(policy, rule) if has_own_floor else version_range(parameters)
            found.append(Use(rule.name if rule else None, floor, parameters, versions))
    if policy.inbound.tls is not Level.NONE:
        parameters = law.listener(policy)
        found.append(Use(None, policy.inbound.tls, parameters, version_range(parameters)))
    return tuple(found)


def has_old_versions(found: Iterable[Use]) -> bool:
    """Tell whether TLS 1.0 or 1.1 is allowed."""
    return any(use.versions.low < Version.TLSv1_2 for use in found)


def cipher_list(policy: Policy, floor: Level, found: Iterable[Use]) -> str:
    """Return the OpenSSL cipher list for a floor: of TLS 1.2 and earlier, in the order of the profile."""
    older = older_suites(law.in_force(policy, floor).cipher_suites)
    if not older:
        return _NO_OLDER_SUITES
    return openssl_list(older) + (_OLD_VERSIONS_LEVEL if has_old_versions(use for use in found if use.floor is floor) else "")


def tls13(found: tuple[Use, ...], policy: Policy, release: Release) -> tuple[tuple[str, ...], tuple[Limitation, ...]]:
    """Return the TLS 1.3 suites that every session shares, those of required TLS first, and what that means for each floor."""
    found = tuple(use for use in found if use.versions.high is None)
    if not releases.has(release, "config_file"):
        return OPENSSL_DEFAULT_TLS13, _claims(found, _fixed)
    shared = tls13_suites(_together(found, policy, lambda parameters: parameters.cipher_suites))

    def claim(use: Use) -> Limitation | None:
        added = tuple(name for name in shared if name not in use.parameters.cipher_suites)
        return limitations.postfix_tls13_suites_shared(_kind_of_added(use, added), added) if added else None

    return shared or OPENSSL_DEFAULT_TLS13, _claims(found, claim)


def groups(found: tuple[Use, ...], policy: Policy, target: Target) -> Groups:
    """Return the groups that every session shares: those of required TLS first."""
    lost = frozenset[str]() if releases.has_hybrid_groups(target) else HYBRID_GROUPS
    lost |= frozenset() if releases.has_ffdhe_groups(target) else FFDHE_GROUPS
    offered = [name for name in _together(found, policy, lambda parameters: parameters.groups) if name not in lost]

    def added(use: Use) -> Limitation | None:
        more = tuple(name for name in offered if name not in use.parameters.groups)
        return limitations.postfix_groups_shared(more) if more else None

    def unavailable(use: Use) -> Limitation | None:
        gone = tuple(name for name in use.parameters.groups if name in lost)
        return limitations.postfix_group_unavailable(gone) if gone else None

    eecdh, ffdhe = _marked([name for name in offered if name not in FFDHE_GROUPS], [name for name in offered if name in FFDHE_GROUPS])
    if not eecdh and not (ffdhe and releases.has(target.release, "group_syntax")):
        raise PlanError(("tls", "groups"), "no group of the list is available there", "X25519, secp256r1 or secp384r1 in the list")
    return Groups(eecdh, ffdhe, _claims(found, added) + _claims(found, unavailable))


def dhe_limitation(policy: Policy) -> tuple[Limitation, ...]:
    """Claim the group of DHE suites, where the listener's list has such suites."""
    parameters = law.listener(policy)
    dhe = [name for name in older_suites(parameters.cipher_suites) if "_DHE_" in name]
    if not dhe or policy.inbound.tls is Level.NONE or version_range(parameters).low is Version.TLSv1_3:
        return ()
    return (limitations.postfix_dhe_group(dhe),)


def _marked(eecdh: list[str], ffdhe: list[str]) -> tuple[str, str]:
    """Write both lists, so that the key share sent first is not a hybrid group's.

    A hybrid key share makes a ClientHello that some receivers can't take (openssl/openssl#27557): OpenSSL 3.5 sends the share of the group
    marked `*` instead, and a server asks for the hybrid one by a HelloRetryRequest.
    """
    if any(name in HYBRID_GROUPS for name in eecdh):
        classical = next((name for name in (*eecdh, *ffdhe) if name not in HYBRID_GROUPS), None)
    else:
        classical = None

    def written(names: list[str]) -> str:
        return " ".join(("*" if name == classical else "") + GROUPS[name].openssl for name in names)

    return written(eecdh), written(ffdhe)


def _fixed(use: Use) -> Limitation | None:
    listed = tls13_suites(use.parameters.cipher_suites)
    if listed == OPENSSL_DEFAULT_TLS13:
        return None
    added = tuple(name for name in OPENSSL_DEFAULT_TLS13 if name not in listed)
    lost = tuple(name for name in listed if name not in OPENSSL_DEFAULT_TLS13)
    kind = _kind_of_added(use, added)
    if kind == "different" and listed == lost and use.versions.low is Version.TLSv1_3:
        kind = "missing"
    return limitations.postfix_tls13_suites_fixed(kind, added, lost)


def _kind_of_added(use: Use, added: Iterable[str]) -> Kind:
    listed = weakest(use.parameters.cipher_suites)
    return "weaker" if any(strength(name) < listed for name in added) else "different"


def _together(found: tuple[Use, ...], policy: Policy, listed: Callable[[Parameters], tuple[str, ...]]) -> tuple[str, ...]:
    """Return what the floors in use list, that of required TLS first; both floors where no session uses either."""
    in_use = {use.floor for use in found} or set(Level)
    floors = [law.in_force(policy, level) for level in (Level.REQUIRED, Level.OPPORTUNISTIC) if level in in_use]
    return tuple(dict.fromkeys(name for parameters in floors for name in listed(parameters)))


def _claims(found: Iterable[Use], claim: Callable[[Use], Limitation | None]) -> tuple[Limitation, ...]:
    """Put equal claims together: one for the defaults, which no rule stands for, and one for all the rules."""
    rules: dict[Limitation, dict[str | None, None]] = {}
    for use in found:
        limitation = claim(use)
        if limitation is not None:
            rules.setdefault(limitation, {})[use.rule] = None
    claims = []
    for limitation, names in rules.items():
        claims += [limitation] if None in names else []
        touched = tuple(name for name in names if name is not None)
        claims += [limitation._replace(rules=touched)] if touched else []
    return tuple(claims)
