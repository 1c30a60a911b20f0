"""A profile and its bases to effective policies, one a host, with an origin for every value."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf import entries
from tlsconf.chain import load_chain
from tlsconf.diagnostics import short
from tlsconf.errors import ProfileError
from tlsconf.files import DISK
from tlsconf.lists import Context, check_lists, each, patterns, rules_of, value_of
from tlsconf.merge import Node, Origin, merge
from tlsconf.policy import (
    Inbound,
    InboundRule,
    Level,
    OnPlaintext,
    Parameters,
    Policy,
)
from tlsconf.rules import need, outbound_of, with_anchors
from tlsconf.targets import server_of, targets_of
from tlsconf.tls import GROUPS, VERSIONS, Version, suites, tls13_suites

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from tlsconf.diagnostics import Finding, KeyPath, Span
    from tlsconf.document import Document
    from tlsconf.files import Files
    from tlsconf.merge import Block
    from tlsconf.policy import Outbound

# What holds where no profile of the chain says anything: the suites that every standard read accepts (RFC 9325 section 4.2,
# NCSC Mail Check, TLSRef intermediate 6.0, NCSC-NL 2025-05, BSI TR-02102-2, NIST SP 800-52r2), with groups that all receivers know.
DEFAULTS: Final = Parameters(
    Version.TLSv1_2,
    (
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    ("X25519", "secp256r1", "secp384r1"),
    prefer_server_order=True,
)


class Resolved(NamedTuple):
    """The effective policies of a profile, one for each host, and what was said where."""

    policies: tuple[Policy, ...]
    documents: tuple[Document, ...]
    root: Node
    notes: tuple[str, ...]

    def origin(self, path: KeyPath, host: str | None = None) -> Origin:
        """Return who said the value at a key path, as the profile writes it but with names for rules: `("outbound", "rules", NAME, "tls")`.

        Where nobody said it, the origin is that of the nearest parent; a `host` is asked first.
        """
        if host is not None and self.root.at(("hosts", host, *path)) is not None:
            return self.root.origin_of(("hosts", host, *path))
        return self.root.origin_of(path)

    def said(self, path: KeyPath) -> Origin | None:
        """Return who said exactly this value, or `None` where it is a default."""
        return None if self.root.at(path) is None else self.root.origin_of(path)

    def acceptances(self, target: str, host: str | None) -> list[Origin]:
        """Return who said each acceptance of a target, in the order of `Target.accept`."""
        own = self.root.blocks("hosts", host, "targets", target, "accept") if host else None
        blocks = self.root.blocks("targets", target, "accept") if own is None else own
        return [origin for block in blocks or () for _, origin in block.entries()]

    @property
    def binding(self) -> tuple[Document, ...]:
        """Return the bases that let this profile only strengthen them, the outermost first."""
        return tuple(document for document in self.documents[:-1] if document.data.get("overlays") == "stronger")

    def pattern_span(self, side: str, rule: str, kind: str, pattern: str) -> Span | None:
        """Return where a rule's pattern (in its final form) stands: in a profile, in a list under `lists` or in a list file."""
        context = Context(self.root, [], {})
        for found in patterns(context, self.root.blocks(side, "rules", rule, kind)):
            if pattern in found.values:
                return found.span(found.values.index(pattern))
        return None


def resolve(name: str, files: Files = DISK, *, bases: bool = False) -> Resolved:
    """Read a profile, which lies among `files`, and return what it means. `bases`: it may lack what only its overlays know.

    Raises `ProfileError` with all that is wrong in it or below it, `EnvironmentFailedError` where the profile itself can't be read.
    """
    findings: list[Finding] = []
    documents = load_chain(name, findings, files)
    resolved = _resolve(documents, findings, bases=bases)
    if findings:
        raise ProfileError(tuple(dict.fromkeys(findings)))
    return resolved


def base_of(resolved: Resolved, base: Document) -> Resolved:
    """Return what a base of a profile means by itself. What it leaves to its overlays is missing there, and nothing is wrong with that."""
    documents = resolved.documents[: resolved.documents.index(base) + 1]
    return _resolve(documents, [], bases=True)


def _resolve(documents: tuple[Document, ...], findings: list[Finding], *, bases: bool) -> Resolved:
    notes: list[str] = []
    root = merge(documents, findings)
    left_out = frozenset(path for document in documents for path in document.left_out)
    context = Context(root, findings, {}, left_out, has_all_bases="extends" not in documents[0].data)
    required, opportunistic = _sessions(context)
    inbound = _inbound(context)
    check_lists(context)
    hosts = root.node("hosts")
    host_names: Iterable[str | None] = list(hosts.values) if hosts and hosts.values else [None]
    outbound = outbound_of(context, documents, (required, opportunistic), notes)
    policies = tuple(
        Policy(
            name=documents[-1].data.get("name", ""),
            description=str(value_of(root.leaf("description"), "")),
            host=host,
            server=server_of(context, host),
            required=required,
            opportunistic=opportunistic,
            outbound=with_anchors(context, outbound, host, needed=not bases),
            inbound=inbound,
            targets=targets_of(context, host),
        )
        for host in host_names
    )
    for policy in policies:
        _check_whole(context, policy, documents[-1], bases=bases)
    _check_guard(context, documents)
    notes += _idle_rules(root, outbound, inbound)
    return Resolved(policies, documents, root, tuple(notes))


def _sessions(context: Context) -> tuple[Parameters, Parameters]:
    required = _session(context, ("tls",), DEFAULTS)
    return required, _session(context, ("tls", "opportunistic"), required)


def _session(context: Context, path: tuple[str, ...], default: Parameters) -> Parameters:
    root = context.root
    version = root.leaf(*path, "minimum_version")
    order = root.leaf(*path, "prefer_server_order")
    parameters = Parameters(
        default.minimum_version if version is None else VERSIONS[version.value],
        _known(context, (*path, "cipher_suites"), suites(), "cipher suite") or default.cipher_suites,
        _known(context, (*path, "groups"), GROUPS, "group") or default.groups,
        default.prefer_server_order if order is None else order.value,
    )
    if parameters != default and parameters.minimum_version is Version.TLSv1_3 and not tls13_suites(parameters.cipher_suites):
        span = root.origin_of((*path, "minimum_version")).span()
        context.at_odds("no session could ever be made: TLSv1.3 is the floor, and no suite of TLS 1.3 is listed", span, "TLS 1.3 suites")
    return parameters


def _known(context: Context, path: tuple[str, ...], known: dict[str, Any], kind: str) -> tuple[str, ...]:
    blocks = context.root.blocks(*path)
    if blocks is None:
        return ()
    names: dict[str, None] = {}
    for block in blocks:
        for name, origin in block.entries():
            if name in known:
                names[name] = None
                continue
            near = difflib.get_close_matches(name, known, 1, 0.6)
            other = next((iana for iana, entry in known.items() if name in entry), None)
            expected = f"did you mean `{other or near[0]}`?" if other or near else "an IANA name"
            context.wrong(f"`{short(name)}` is no {kind} that is known here", origin.span(), expected)
    if not names and not any(block.values for block in blocks):
        context.at_odds(f"`{path[-1]}` is empty", context.root.origin_of(path).span(), f"at least one {kind}")
    return tuple(names)


def _inbound(context: Context) -> Inbound:
    root = context.root
    tls = Level(value_of(root.leaf("inbound", "tls"), "opportunistic"))
    exempt = _networks(context, root.blocks("inbound", "exempt_clients"))
    rules = []
    for node in rules_of(root, "inbound"):
        name = node.values["name"].value
        need(context, node, name, ("senders", "clients"))
        floor = node.leaf("minimum_version")
        senders = dict.fromkeys(value for found in patterns(context, node.blocks("senders")) for value in found.values)
        rules.append(
            InboundRule(
                name,
                tuple(senders),
                _networks(context, node.blocks("clients")),
                None if floor is None else VERSIONS[floor.value],
                OnPlaintext(value_of(node.leaf("on_plaintext"), "reject")),
            )
        )
        if tls is Level.NONE:
            context.wrong(
                f"the rule `{name}` requires TLS, and `inbound.tls: none` offers it to nobody", node.origin.span(), "`tls: opportunistic`"
            )
    return Inbound(tls, exempt, tuple(rules))


def _networks(context: Context, blocks: tuple[Block, ...] | None) -> tuple[IPv4Network | IPv6Network, ...]:
    found = each(context, blocks, entries.network, "address", entries.EXPECTED_NETWORK)
    return tuple(dict.fromkeys(network for part in found for network in part.values if network is not None))


def _idle_rules(root: Node, outbound: Outbound, inbound: Inbound) -> list[str]:
    """Return a note on each rule that is left without a subject: what it requires is required of nobody."""
    busy = {*(rule.name for rule in outbound.rules), *outbound.set_aside}
    idle = [node for node in rules_of(root, "outbound") if node.values["name"].value not in busy]
    nobody = {rule.name for rule in inbound.rules if not rule.senders and not rule.clients}
    idle += [node for node in rules_of(root, "inbound") if node.values["name"].value in nobody]
    reason = "its lists are empty, or other rules take over all that is in them"
    return [f"the rule `{node.values['name'].value}` ({node.origin}) is for nobody: {reason}" for node in idle]


def _check_guard(context: Context, documents: tuple[Document, ...]) -> None:
    for document in documents:
        if "exceptions" in document.data and "overlays" not in document.data:
            message = "`exceptions` has no effect: nothing here keeps overlays from weakening this profile"
            context.at_odds(message, document.span(("exceptions",), key=True), "`overlays: stronger` beside it")


def _check_whole(context: Context, policy: Policy, document: Document, *, bases: bool) -> None:
    root = context.root
    if not policy.targets and not bases and not context.findings:
        context.at_odds(
            "no `targets` are named: there is nothing to render", document.span(("name",), key=True), "`targets: [postfix]`, for example"
        )
    if policy.inbound.tls is not Level.NONE and not policy.server.certificates and policy.targets:
        span = (
            root.origin_of(("server",)).document.span(("server",), key=True) if root.node("server") else document.span(("name",), key=True)
        )
        context.at_odds(
            "inbound TLS needs a certificate, and none is given", span, "`certificates` under `server`, or `inbound: {tls: none}`"
        )
    floors = [("outbound", r.name, r.minimum_version, r.tls) for r in policy.outbound.rules]
    floors += [("inbound", r.name, r.minimum_version, policy.inbound.tls) for r in policy.inbound.rules]  # the listener's suites count
    for side, name, floor, level in floors:
        if floor is Version.TLSv1_3:
            general = policy.required if level is Level.REQUIRED else policy.opportunistic
            if not tls13_suites(general.cipher_suites):
                span = root.origin_of((side, "rules", name, "minimum_version")).span()
                context.at_odds(f"the rule `{name}` wants TLSv1.3, and no suite of TLS 1.3 is listed", span, "TLS 1.3 suites under `tls`")
