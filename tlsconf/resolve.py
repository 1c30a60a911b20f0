"""A profile and its bases to effective policies, one a host, with an origin for every value."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf import entries, law
from tlsconf.chain import load_chain, read_list
from tlsconf.diagnostics import Finding
from tlsconf.errors import ProfileError
from tlsconf.merge import Block, Leaf, Node, Origin, merge
from tlsconf.platforms import PLATFORMS
from tlsconf.policy import (
    Acceptance,
    Certificate,
    Inbound,
    InboundRule,
    Level,
    NextHop,
    OnPlaintext,
    Outbound,
    OutboundRule,
    Parameters,
    Policy,
    Release,
    Server,
    Target,
    Verify,
)
from tlsconf.tls import GROUPS, VERSIONS, Version, suites, tls13_suites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tlsconf.diagnostics import KeyPath, Span
    from tlsconf.document import Document

# What holds where no profile of the chain says anything: the suites that every standard read accepts (RFC 9325 section 4.2, NCSC Mail Check,
# TLSRef intermediate 6.0, NCSC-NL 2025-05, BSI TR-02102-2, NIST SP 800-52r2), with groups that all receivers know.
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

    def pattern_span(self, side: str, rule: str, kind: str, pattern: str) -> Span | None:
        """Return where a rule's pattern (in its final form) stands: in a profile, in a list under `lists` or in a list file."""
        context = _Context(self.root, [], {})
        for found in _patterns(context, self.root.blocks(side, "rules", rule, kind)):
            if pattern in found.values:
                return found.span(found.values.index(pattern))
        return None


class _Context(NamedTuple):
    """What every step needs: the merged values, where findings go, and list files that were read."""

    root: Node
    findings: list[Finding]
    files: dict[tuple[str, str], Block | None]

    def wrong(self, message: str, span: Span, expected: str = "", related: tuple[tuple[str, Span], ...] = ()) -> None:
        self.findings.append(Finding(message, span, expected, related))


class _Entries(NamedTuple):
    """Entries from one place in their final form, and the document whose rule or list asked for them."""

    values: Sequence[Any]
    block: Block
    asked: Document

    def span(self, index: int) -> Span:
        return _block_span(self.block, index)


def resolve(name: str) -> Resolved:
    """Read a profile by its path and return what it means. Raises `ProfileError` with all that is wrong, `EnvironmentFailedError` for the path."""
    documents = load_chain(name)
    findings: list[Finding] = []
    notes: list[str] = []
    root = merge(documents, findings)
    context = _Context(root, findings, {})
    required, opportunistic = _sessions(context)
    inbound = _inbound(context)
    _check_lists(context)
    hosts = root.node("hosts")
    host_names: Iterable[str | None] = list(hosts.values) if hosts and hosts.values else [None]
    outbound = _outbound(context, documents, (required, opportunistic), notes)
    policies = tuple(
        Policy(
            name=documents[-1].data["name"],
            description=str(_value(root.leaf("description"), "")),
            host=host,
            server=_server(context, host),
            required=required,
            opportunistic=opportunistic,
            outbound=_with_anchors(context, outbound, host),
            inbound=inbound,
            targets=_targets(context, host),
        )
        for host in host_names
    )
    for policy in policies:
        _check_whole(context, policy, documents[-1])
    if findings:
        raise ProfileError(tuple(dict.fromkeys(findings)))
    return Resolved(policies, documents, root, tuple(notes))


def _value(leaf: Leaf | None, default: Any) -> Any:
    return default if leaf is None else leaf.value


# --- entries of lists ------------------------------------------------------------------------------------------------


def _block_span(block: Block, index: int) -> Span:
    document, path = block.origin
    place = index if block.indices is None else block.indices[index]
    return document.line_span(place) if document.data is None else document.span((*path, place))


def _expand(context: _Context, blocks: Iterable[Block]) -> Iterator[tuple[Block, Document]]:
    """Yield the blocks of texts behind a list with references, and the document that asked for each."""
    for block in blocks:
        document = block.origin.document
        texts = [value for value in block.values if isinstance(value, str)]
        if len(texts) == len(block.values):
            yield block, document
            continue
        for value, origin in block.entries():
            if isinstance(value, str):
                yield Block([value], Origin(document, origin.path[:-1]), [origin.path[-1]]), document  # type: ignore[list-item]
            else:
                for found in _refer(context, value, origin):
                    yield found, document


def _refer(context: _Context, reference: dict[str, str], origin: Origin) -> Iterator[Block]:
    if len(reference) != 1:
        context.wrong("a reference has one key", origin.span(), "`list: NAME` or `file: PATH`")
    elif "file" in reference:
        block = _file(context, reference["file"], origin)
        if block is not None:
            yield block
    else:
        name = reference["list"]
        found = context.root.blocks("lists", name)
        if found is None:
            known = list(lists.values) if (lists := context.root.node("lists")) else []
            near = difflib.get_close_matches(name, known, 1, 0.6)
            expected = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(known)}" if known else "a list under `lists`"
            context.wrong(f"there is no list `{name}`", origin.document.span((*origin.path, "list")), expected)
            return
        for block in found:
            for value, entry in block.entries():
                if isinstance(value, dict) and "list" in value:
                    context.wrong("a list can't name another list", entry.span(), "entries, or `file: PATH`")
                elif isinstance(value, dict):
                    yield from _refer(context, value, entry)
            if all(isinstance(value, str) for value in block.values):
                yield block
            else:
                plain = [(value, entry.path[-1]) for value, entry in block.entries() if isinstance(value, str)]
                yield Block([value for value, _ in plain], block.origin, [index for _, index in plain])  # type: ignore[misc]


def _file(context: _Context, file: str, origin: Origin) -> Block | None:
    key = (str(origin.document.path.parent), file)
    if key not in context.files:
        context.files[key] = None
        try:
            document = read_list(origin.document, file)
        except OSError as error:
            span = origin.document.span((*origin.path, "file"))
            context.wrong(f"the list file `{file}` can't be read: {error.strerror}", span, "a text file beside this profile")
        except ProfileError as error:
            context.findings.extend(error.findings)
        else:
            context.files[key] = _lines(document)
    return context.files[key]


def _lines(document: Document) -> Block:
    """Return the entries of a list file, one a line; `#` begins a comment."""
    text = document.text
    lines = text.splitlines() if "\r" in text else text.split("\n")
    if "#" in text or " " in text or "\t" in text:
        lines = [line.partition("#")[0].strip() for line in lines]
    numbered = [(line, number) for number, line in enumerate(lines, 1) if line]
    return Block([line for line, _ in numbered], Origin(document, ()), [number for _, number in numbered])


def _patterns(context: _Context, blocks: tuple[Block, ...] | None) -> list[_Entries]:
    found = []
    for block, asked in _expand(context, blocks or ()):
        values, wrong = entries.domain_patterns(block.values)
        for index, reason in wrong.items():
            message = f"`{_short(block.values[index])}` is no domain pattern" + (f": {reason}" if reason else "")
            context.wrong(message, _block_span(block, index), entries.EXPECTED_PATTERN)
        found.append(_Entries(values, block, asked))
    return found


def _each(
    context: _Context, blocks: tuple[Block, ...] | None, read: Callable[[str], Any], kind: str, expected: str
) -> list[tuple[Any, Span, Document]]:
    found = []
    for block, asked in _expand(context, blocks or ()):
        for index, value in enumerate(block.values):
            span = _block_span(block, index)
            try:
                found.append((read(value), span, asked))
            except ValueError as error:
                reason = f": {error}" if str(error) else ""
                context.wrong(f"`{_short(value)}` is no {kind}{reason}", span, expected)
    return found


def _check_lists(context: _Context) -> None:
    """Look at lists that no rule uses, too: a mistake in one waits for the day it is used."""
    lists = context.root.node("lists")
    used = _used_lists(context.root)
    for name, blocks in lists.values.items() if lists else ():
        if name in used:
            continue
        for block, _ in _expand(context, blocks):
            for index in entries.domain_patterns(block.values)[1]:
                try:
                    entries.network(block.values[index])
                except ValueError:
                    span = _block_span(block, index)
                    context.wrong(f"`{_short(block.values[index])}` is neither a domain nor an address", span, entries.EXPECTED_PATTERN)


def _used_lists(root: Node) -> set[str]:
    used = set()
    for rule in (*_rules(root, "outbound"), *_rules(root, "inbound")):
        for kind in ("domains", "next_hops", "mx", "senders", "clients"):
            for block in rule.blocks(kind) or ():
                used |= {value["list"] for value in block.values if isinstance(value, dict) and "list" in value}
    return used


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004  (fits a line)


# --- what a session may be -------------------------------------------------------------------------------------------


def _sessions(context: _Context) -> tuple[Parameters, Parameters]:
    required = _session(context, ("tls",), DEFAULTS)
    return required, _session(context, ("tls", "opportunistic"), required)


def _session(context: _Context, path: tuple[str, ...], default: Parameters) -> Parameters:
    root = context.root
    version = root.leaf(*path, "minimum_version")
    order = root.leaf(*path, "prefer_server_order")
    parameters = Parameters(
        default.minimum_version if version is None else VERSIONS[version.value],
        _known(context, (*path, "cipher_suites"), suites(), "cipher suite") or default.cipher_suites,
        _known(context, (*path, "groups"), GROUPS, "group") or default.groups,
        default.prefer_server_order if order is None else order.value,
    )
    if parameters.minimum_version is Version.TLSv1_3 and not tls13_suites(parameters.cipher_suites):
        span = root.origin_of((*path, "minimum_version")).span()
        context.wrong("no session could ever be made: TLSv1.3 is the floor, and no suite of TLS 1.3 is listed", span, "TLS 1.3 suites")
    return parameters


def _known(context: _Context, path: tuple[str, ...], known: dict[str, Any], kind: str) -> tuple[str, ...]:
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
            context.wrong(f"`{_short(name)}` is no {kind} that is known here", origin.span(), expected)
    if not names and not any(block.values for block in blocks):
        context.wrong(f"`{path[-1]}` is empty", context.root.origin_of(path).span(), f"at least one {kind}")
    return tuple(names)


# --- outbound --------------------------------------------------------------------------------------------------------


class _Draft(NamedTuple):
    """A rule before conflicts are settled: where it stands, and its patterns by place."""

    rule: OutboundRule
    node: Node
    patterns: list[_Entries]
    hops: list[tuple[NextHop, Span, Document]]


def _outbound(
    context: _Context, documents: tuple[Document, ...], sessions: tuple[Parameters, Parameters], notes: list[str]
) -> Outbound:
    root = context.root
    tls = Level(_value(root.leaf("outbound", "tls"), "opportunistic"))
    verify = Verify(_value(root.leaf("outbound", "verify"), "none"))
    _check_combination(context, tls, verify, root.node("outbound"), None)
    smarthost_leaf = root.leaf("outbound", "smarthost")
    smarthost = None
    if smarthost_leaf is not None and smarthost_leaf.value is not None:
        smarthost = _one(context, smarthost_leaf, entries.next_hop, "next hop", entries.EXPECTED_NEXT_HOP)
    drafts = [_outbound_draft(context, node, verify) for node in _rules(root, "outbound")]
    rules = _settle(context, documents, drafts)
    outbound = Outbound(tls, verify, None, smarthost, rules)
    if smarthost is not None and smarthost_leaf is not None:
        outbound = _set_aside(context, documents, outbound, drafts, smarthost_leaf, sessions, notes)
    anchors = root.leaf("outbound", "trust_anchors")
    if anchors is not None:
        path = _one(context, anchors, lambda text: entries.server_path(text, None), "path", entries.EXPECTED_PATH)
        outbound = Outbound(tls, verify, path, smarthost, outbound.rules, outbound.set_aside)
    return outbound


def _one(context: _Context, leaf: Leaf, read: Callable[[str], Any], kind: str, expected: str) -> Any:
    try:
        return read(leaf.value)
    except ValueError as error:
        reason = f": {error}" if str(error) else ""
        context.wrong(f"`{_short(leaf.value)}` is no {kind}{reason}", leaf.origin.span(), expected)
        return None


def _rules(root: Node, side: str) -> list[Node]:
    rules = root.node(side, "rules")
    return list(rules.values.values()) if rules else []


def _outbound_draft(context: _Context, node: Node, default_verify: Verify) -> _Draft:
    name = node.values["name"].value
    _need(context, node, name, ("domains", "next_hops"))
    tls = Level(_value(node.leaf("tls"), "required"))
    verify = Verify(_value(node.leaf("verify"), default_verify))
    floor = node.leaf("minimum_version")
    _check_combination(context, tls, verify, node, name)
    mx = tuple(value for found in _patterns(context, node.blocks("mx")) for value in found.values)
    if mx and verify is not Verify.HOSTNAME:
        span = node.origin_of(("mx",)).document.span(node.origin_of(("mx",)).path, key=True)
        context.wrong(f"`mx` of the rule `{name}` has no effect: nothing verifies the name", span, "`verify: hostname` beside it")
    if floor is not None and tls is Level.NONE:
        context.wrong(f"`minimum_version` of the rule `{name}` has no effect: it uses no TLS", floor.origin.span(), "no floor here")
    hops = _each(context, node.blocks("next_hops"), entries.next_hop, "next hop", entries.EXPECTED_NEXT_HOP)
    rule = OutboundRule(name, tls, verify, None if floor is None else VERSIONS[floor.value], mx)
    return _Draft(rule, node, _patterns(context, node.blocks("domains")), hops)


def _need(context: _Context, node: Node, name: str, kinds: tuple[str, str]) -> None:
    given = [kind for kind in kinds if node.blocks(kind) is not None]
    either = f"`{kinds[0]}` or `{kinds[1]}`"
    if not given:
        context.wrong(f"the rule `{name}` does not say for whom it is", node.origin.span(), either)
    elif len(given) > 1:
        context.wrong(f"the rule `{name}` has {' and '.join(f'`{kind}`' for kind in given)}", node.origin.span(), f"{either}, never both")
    elif not any(block.values for block in node.blocks(given[0]) or ()):
        context.wrong(f"`{given[0]}` of the rule `{name}` is empty", node.origin_of((given[0],)).span(), "at least one entry")
    if node.leaf("tls") is None:
        context.wrong(f"the rule `{name}` does not say `tls`", node.origin.span(), "the key `tls`")


def _check_combination(context: _Context, tls: Level, verify: Verify, node: Node | None, rule: str | None) -> None:
    if (tls is Level.REQUIRED) or verify is Verify.NONE or (tls is Level.OPPORTUNISTIC and verify is Verify.DANE):
        return
    whose = "the default of `outbound`" if rule is None else f"the rule `{rule}`"
    inherited = node is not None and rule is not None and node.leaf("verify") is None
    hint = " (its `verify` comes from `outbound`)" if inherited else ""
    origin = (node or context.root).origin_of(("tls",) if inherited else ("verify",))
    context.wrong(f"{whose} joins `tls: {tls}` with `verify: {verify}`{hint}: nothing would follow from the verification", origin.span(),
                  "`verify: none`, or `tls: required`")  # fmt: skip


def _settle(context: _Context, documents: tuple[Document, ...], drafts: list[_Draft]) -> tuple[OutboundRule, ...]:
    """Give every pattern and next hop to one rule: two in one file are a conflict, an overlay takes over from its base."""
    layers = {id(document): layer for layer, document in enumerate(documents)}
    owners: dict[Any, tuple[int, int]] = {}  # pattern or next hop -> rule, layer
    for number, draft in enumerate(drafts):
        for found in draft.patterns:
            layer = layers[id(found.asked)]
            mine = (number, layer)
            for index, pattern in enumerate(found.values):
                owner = owners.setdefault(pattern, mine)
                if owner is not mine and owner[0] != number:
                    _clash(context, owners, pattern, mine, drafts, lambda f=found, i=index: f.span(i))  # type: ignore[misc]
        for hop, span, asked in draft.hops:
            mine = (number, layers[id(asked)])
            owner = owners.setdefault(hop, mine)
            if owner[0] != number:
                _clash(context, owners, hop, mine, drafts, lambda s=span: s)  # type: ignore[misc]
    shares: list[list[Any]] = [[] for _ in drafts]
    for key, (number, _) in owners.items():
        if key:
            shares[number].append(key)
    return tuple(
        OutboundRule(d.rule.name, d.rule.tls, d.rule.verify, d.rule.minimum_version, d.rule.mx,
                     domains=() if d.hops else tuple(shares[n]), next_hops=tuple(shares[n]) if d.hops else ())
        for n, d in enumerate(drafts)
        if shares[n]
    )  # fmt: skip


def _clash(
    context: _Context,
    owners: dict[Any, tuple[int, int]],
    key: Any,
    mine: tuple[int, int],
    drafts: list[_Draft],
    span: Callable[[], Span],
) -> None:
    number, layer = owners[key]
    if mine[1] > layer:
        owners[key] = mine
    elif mine[1] == layer and key:
        other = _place(drafts[number], key)
        message = f"`{key}` is in two rules: `{drafts[number].rule.name}` and `{drafts[mine[0]].rule.name}`"
        context.wrong(message, span(), "each pattern in one rule", (("and here", other),) if other else ())


def _place(draft: _Draft, key: Any) -> Span | None:
    for found in draft.patterns:
        if key in found.values:
            return found.span(found.values.index(key))
    return next((span for hop, span, _ in draft.hops if hop == key), None)


def _set_aside(
    context: _Context,
    documents: tuple[Document, ...],
    outbound: Outbound,
    drafts: list[_Draft],
    smarthost: Leaf,
    sessions: tuple[Parameters, Parameters],
    notes: list[str],
) -> Outbound:
    """Leave out rules by domain where a smarthost takes everything: inherited ones only, and only where nothing gets weaker."""
    places = {id(document): layer for layer, document in enumerate(documents)}
    since = places[id(smarthost.origin.document)]
    kept = tuple(rule for rule in outbound.rules if rule.next_hops)
    policy = _probe(sessions, Outbound(outbound.tls, outbound.verify, None, outbound.smarthost, kept))
    applies = law.decide_outbound(policy, law.Outgoing("example.com"))
    aside = []
    for rule in outbound.rules:
        if not rule.domains:
            continue
        draft = next(draft for draft in drafts if draft.rule.name == rule.name)
        origin = draft.node.origin_of(("domains",))
        related = (("the smarthost", smarthost.origin.span()),)
        if places[id(origin.document)] >= since:
            context.wrong(f"the rule `{rule.name}` has `domains`, and a smarthost takes all mail: it could never apply", origin.span(),
                          "a rule with `next_hops`, or no smarthost", related)  # fmt: skip
        elif not law.at_least_as_strong(applies, law.outbound_decision(policy, rule)):
            context.wrong(f"the smarthost would get mail on weaker terms than the base's rule `{rule.name}` demands", smarthost.origin.span(),
                          "a rule with `next_hops` for the smarthost that is as strong", ((f"the rule `{rule.name}`", origin.span()),))  # fmt: skip
        else:
            aside.append(rule.name)
            notes.append(f"the rule `{rule.name}` ({origin}) is set aside: all mail goes to {outbound.smarthost}, on terms as strong")
    return Outbound(outbound.tls, outbound.verify, None, outbound.smarthost, kept, tuple(aside))


def _probe(sessions: tuple[Parameters, Parameters], outbound: Outbound) -> Policy:
    return Policy("", "", None, Server(None, ()), *sessions, outbound, Inbound(Level.NONE, (), ()), ())


def _with_anchors(context: _Context, outbound: Outbound, host: str | None) -> Outbound:
    if outbound.trust_anchors is not None or context.root.leaf("outbound", "trust_anchors") is not None:
        return outbound
    platform = _platform(context.root, host)
    anchors = PLATFORMS[platform].trust_anchors if platform else None
    if anchors is None:
        names = [f"the rule `{rule.name}`" for rule in outbound.rules if rule.verify is Verify.HOSTNAME]
        names += ["the default"] if outbound.verify is Verify.HOSTNAME else []
        if names:
            span = context.root.origin_of(("outbound",)).span(key=True)
            context.wrong(f"{names[0]} verifies certificates, and no trust anchors are given", span, "`trust_anchors` under `outbound`, or a `platform`")
    return Outbound(outbound.tls, outbound.verify, anchors, outbound.smarthost, outbound.rules, outbound.set_aside)


# --- inbound ---------------------------------------------------------------------------------------------------------


def _inbound(context: _Context) -> Inbound:
    root = context.root
    tls = Level(_value(root.leaf("inbound", "tls"), "opportunistic"))
    exempt = _each(context, root.blocks("inbound", "exempt_clients"), entries.network, "address", entries.EXPECTED_NETWORK)
    rules = []
    for node in _rules(root, "inbound"):
        name = node.values["name"].value
        _need(context, node, name, ("senders", "clients"))
        floor = node.leaf("minimum_version")
        senders = dict.fromkeys(value for found in _patterns(context, node.blocks("senders")) for value in found.values)
        clients = _each(context, node.blocks("clients"), entries.network, "address", entries.EXPECTED_NETWORK)
        rules.append(
            InboundRule(
                name,
                tuple(senders),
                tuple(dict.fromkeys(network for network, _, _ in clients)),
                None if floor is None else VERSIONS[floor.value],
                OnPlaintext(_value(node.leaf("on_plaintext"), "reject")),
            )
        )
        if tls is Level.NONE:
            context.wrong(f"the rule `{name}` requires TLS, and `inbound.tls: none` offers it to nobody", node.origin.span(), "`tls: opportunistic`")
    return Inbound(tls, tuple(dict.fromkeys(network for network, _, _ in exempt)), tuple(rules))


# --- hosts and targets -----------------------------------------------------------------------------------------------


def _platform(root: Node, host: str | None) -> str | None:
    leaf = (root.leaf("hosts", host, "platform") if host else None) or root.leaf("platform")
    return None if leaf is None else str(leaf.value)


def _server(context: _Context, host: str | None) -> Server:
    root = context.root
    of_host = root.node("hosts", host) if host else None
    leaf = (of_host.leaf("hostname") if of_host else None) or root.leaf("server", "hostname")
    hostname = None if leaf is None else _one(context, leaf, entries.domain, "host name", "a name such as mx.example.com")
    blocks = of_host.blocks("certificates") if of_host else None
    if blocks is None:
        blocks = root.blocks("server", "certificates") or ()
    certificates = []
    for block in blocks:
        for paths, origin in block.entries():
            chain, key = (
                _one(context, Leaf(paths[part], Origin(origin.document, (*origin.path, part))),
                     lambda text: entries.server_path(text, hostname), "path", entries.EXPECTED_PATH)
                for part in ("chain", "key")
            )  # fmt: skip
            certificates.append(Certificate(chain or "", key or ""))
    return Server(hostname, tuple(certificates))


def _targets(context: _Context, host: str | None) -> tuple[Target, ...]:
    root = context.root
    of_host = root.node("hosts", host, "targets") if host else None
    general = root.node("targets")
    names = of_host.values if of_host and of_host.values else general.values if general else {}
    return tuple(target for name in names if (target := _target(context, name, host)) is not None)


def _target(context: _Context, name: Any, host: str | None) -> Target | None:
    root = context.root
    host_target = root.node("hosts", host, "targets", name) if host else None
    target = root.node("targets", name)
    nearest = [node for node in (host_target, target) if node is not None]
    host_platform = root.leaf("hosts", host, "platform") if host else None
    platforms = (None if host_platform is None else host_platform.value, _value(root.leaf("platform"), None))
    release = _fact("release", (host_target, target), platforms, lambda platform: getattr(PLATFORMS[platform], name))
    if release is None:
        known = ", ".join(f"{value} ({key})" for key, entry in PLATFORMS.items() if (value := getattr(entry, name)))
        origin = (nearest[0].origin if nearest else root.origin_of(("targets",)))
        context.wrong(f"no release of {name} is given", origin.span(), f"`release` in `targets.{name}`, or a `platform` that has one; known: {known}")
        return None
    platform = platforms[0] or platforms[1]
    own = platform is not None and _number(getattr(PLATFORMS[platform], name) or "0") == _number(release)
    library = "openssl"
    if name == "exim":
        library = _fact("tls_library", (host_target, target), platforms, lambda platform: PLATFORMS[platform].exim_library)
        if library is None:
            origin = nearest[0].origin if nearest else root.origin
            context.wrong("nobody says which TLS library Exim is linked with", origin.span(), "`tls_library: gnutls` or `openssl` (see `exim -bV`)")
            return None
    version = getattr(PLATFORMS[platform], library) if own and platform else None
    if own and platform and name == "exim" and library != PLATFORMS[platform].exim_library:
        own, version = False, None  # a build of the site's own
    layout = _fact("layout", (host_target, target), (platform,), lambda known: PLATFORMS[known].layout)
    keep = next((node.values["keep"] for node in nearest if "keep" in node.values), None)
    accept = next((node.values["accept"] for node in nearest if "accept" in node.values), ())
    return Target(
        name,
        Release(release, _number(release), platform if own else None),
        library,
        version,
        platform,
        layout=layout if name == "exim" else None,
        map_type=_fact("map_type", (host_target, target), (), lambda _: None),
        keep={key: tuple(value for block in blocks for value in block.values) for key, blocks in keep.values.items()} if keep else {},
        accept=tuple(Acceptance(e["id"], tuple(e.get("rules", ())), e["reason"]) for block in accept for e in block.values),
    )


def _fact(key: str, nodes: Sequence[Node | None], platforms: Sequence[str | None], of_platform: Callable[[str], Any]) -> Any:
    """Return the nearest value: release and library go host's target, host's platform, profile's target, profile's platform."""
    steps: list[Any] = []
    for index in range(max(len(nodes), len(platforms))):
        node = nodes[index] if index < len(nodes) else None
        platform = platforms[index] if index < len(platforms) and len(platforms) == len(nodes) else None
        steps.append(_value(node.leaf(key), None) if node else None)
        steps.append(of_platform(platform) if platform else None)
    if len(platforms) == 1 and platforms[0]:
        steps.append(of_platform(platforms[0]))
    return next((step for step in steps if step is not None), None)


def _number(release: str) -> tuple[int, int, int, int]:
    parts = [int(part) for part in release.split(".")]
    one, two, three, four = (*parts, 0, 0, 0, 0)[:4]
    return one, two, three, four


# --- the whole -------------------------------------------------------------------------------------------------------


def _check_whole(context: _Context, policy: Policy, document: Document) -> None:
    root = context.root
    if not policy.targets and not context.findings:
        context.wrong("no `targets` are named: there is nothing to render", document.span(("name",), key=True), "`targets: [postfix]`, for example")
    if policy.inbound.tls is not Level.NONE and not policy.server.certificates and policy.targets:
        span = root.origin_of(("server",)).document.span(("server",), key=True) if root.node("server") else document.span(("name",), key=True)
        context.wrong("inbound TLS needs a certificate, and none is given", span, "`certificates` under `server`, or `inbound: {tls: none}`")
    for rule in (*policy.outbound.rules, *policy.inbound.rules):
        if rule.minimum_version is Version.TLSv1_3:
            general = policy.required if getattr(rule, "tls", Level.REQUIRED) is Level.REQUIRED else policy.opportunistic
            if not tls13_suites(general.cipher_suites):
                side = "outbound" if rule in policy.outbound.rules else "inbound"
                span = root.origin_of((side, "rules", rule.name, "minimum_version")).span()
                context.wrong(f"the rule `{rule.name}` wants TLSv1.3, and no suite of TLS 1.3 is listed", span, "TLS 1.3 suites under `tls`")
