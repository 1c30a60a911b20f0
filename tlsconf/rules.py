"""Outbound rules: one owner for every pattern, and what a smarthost does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tlsconf import entries, law
from tlsconf.lists import Context, Entries, each, one, patterns, rules_of, value_of
from tlsconf.platforms import PLATFORMS
from tlsconf.policy import Inbound, Level, Outbound, OutboundRule, Parameters, Policy, Server, Verify
from tlsconf.targets import platform_of
from tlsconf.tls import VERSIONS

if TYPE_CHECKING:
    from tlsconf.document import Document
    from tlsconf.merge import Leaf, Node


class _Draft(NamedTuple):
    """A rule before conflicts are settled: where it stands, and its patterns or next hops by place."""

    rule: OutboundRule
    node: Node
    subjects: list[Entries]
    has_hops: bool


def outbound_of(context: Context, documents: tuple[Document, ...], sessions: tuple[Parameters, Parameters], notes: list[str]) -> Outbound:
    """Return the outbound part, its trust anchors not yet filled in from a platform; `notes` gets what is set aside."""
    root = context.root
    tls = Level(value_of(root.leaf("outbound", "tls"), "opportunistic"))
    verify = Verify(value_of(root.leaf("outbound", "verify"), "none"))
    _check_combination(context, tls, verify, root.node("outbound"), None)
    smarthost_leaf = root.leaf("outbound", "smarthost")
    smarthost = None
    if smarthost_leaf is not None and smarthost_leaf.value is not None:
        smarthost = one(context, smarthost_leaf, entries.next_hop, "next hop", entries.EXPECTED_NEXT_HOP)
    drafts = [_outbound_draft(context, node, verify) for node in rules_of(root, "outbound")]
    rules = _settle(context, documents, drafts)
    outbound = Outbound(tls, verify, None, smarthost, rules)
    if smarthost is not None and smarthost_leaf is not None:
        outbound = _set_aside(context, documents, outbound, drafts, smarthost_leaf, sessions, notes)
    anchors = root.leaf("outbound", "trust_anchors")
    if anchors is not None:
        path = one(context, anchors, lambda text: entries.server_path(text, None), "path", entries.EXPECTED_PATH)
        outbound = Outbound(tls, verify, path, smarthost, outbound.rules, outbound.set_aside)
    return outbound


def _outbound_draft(context: Context, node: Node, default_verify: Verify) -> _Draft:
    name = node.values["name"].value
    need(context, node, name, ("domains", "next_hops"))
    tls = Level(value_of(node.leaf("tls"), "required"))
    verify = Verify(value_of(node.leaf("verify"), default_verify))
    floor = node.leaf("minimum_version")
    _check_combination(context, tls, verify, node, name)
    mx = tuple(dict.fromkeys(value for found in patterns(context, node.blocks("mx")) for value in found.values))
    if mx and verify is not Verify.HOSTNAME:
        span = node.origin_of(("mx",)).document.span(node.origin_of(("mx",)).path, key=True)
        context.at_odds(f"`mx` of the rule `{name}` has no effect: nothing verifies the name", span, "`verify: hostname` beside it")
    if floor is not None and tls is Level.NONE:
        context.wrong(f"`minimum_version` of the rule `{name}` has no effect: it uses no TLS", floor.origin.span(), "no floor here")
    hops = each(context, node.blocks("next_hops"), entries.next_hop, "next hop", entries.EXPECTED_NEXT_HOP)
    rule = OutboundRule(name, tls, verify, None if floor is None else VERSIONS[floor.value], mx)
    return _Draft(rule, node, [*patterns(context, node.blocks("domains")), *hops], bool(hops))


def need(context: Context, node: Node, name: str, kinds: tuple[str, str]) -> None:
    """Hold a rule against what every rule must say: `tls`, and exactly one of two kinds of subject."""
    if not node.origin.is_whole():
        return  # what is missing may be what was left out
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


def _check_combination(context: Context, tls: Level, verify: Verify, node: Node | None, rule: str | None) -> None:
    if (tls is Level.REQUIRED) or verify is Verify.NONE or (tls is Level.OPPORTUNISTIC and verify is Verify.DANE):
        return
    whose = "the default of `outbound`" if rule is None else f"the rule `{rule}`"
    inherited = node is not None and rule is not None and node.leaf("verify") is None
    hint = " (its `verify` comes from `outbound`)" if inherited else ""
    origin = (node or context.root).origin_of(("tls",) if inherited else ("verify",))
    context.at_odds(f"{whose} joins `tls: {tls}` with `verify: {verify}`{hint}: nothing would follow from the verification", origin.span(),
                  "`verify: none`, or `tls: required`")  # fmt: skip


def _settle(context: Context, documents: tuple[Document, ...], drafts: list[_Draft]) -> tuple[OutboundRule, ...]:
    """Give every pattern and next hop to one rule: two in one file are a conflict, an overlay takes over from its base."""
    layers = {id(document): layer for layer, document in enumerate(documents)}
    owners: dict[Any, tuple[int, int]] = {}  # pattern or next hop -> rule, layer
    clashes: list[tuple[int, int, Entries, int]] = []  # first rule, second rule, where the second says it
    for number, draft in enumerate(drafts):
        for found in draft.subjects:
            mine = (number, layers[id(found.asked)])
            for index, key in enumerate(found.values):
                owner = owners.setdefault(key, mine)
                if owner is mine or not key:
                    continue
                if mine[1] > owner[1]:
                    owners[key] = mine
                elif mine[1] == owner[1] and number != owner[0]:
                    clashes.append((owner[0], number, found, index))
    _report(context, drafts, clashes)
    shares: list[list[Any]] = [[] for _ in drafts]
    for key, (number, _) in owners.items():
        if key:
            shares[number].append(key)
    return tuple(
        draft.rule._replace(next_hops=tuple(share)) if draft.has_hops else draft.rule._replace(domains=tuple(share))
        for draft, share in zip(drafts, shares, strict=True)
        if share
    )


def _report(context: Context, drafts: list[_Draft], clashes: list[tuple[int, int, Entries, int]]) -> None:
    places = {
        first: {key: (found, index) for found in drafts[first].subjects for index, key in enumerate(found.values)}
        for first in {clash[0] for clash in clashes}
    }
    for first, second, found, index in clashes:
        key = found.values[index]
        other, place = places[first][key]
        message = f"`{key}` is in two rules: `{drafts[first].rule.name}` and `{drafts[second].rule.name}`"
        context.wrong(message, found.span(index), "each pattern in one rule", (("and here", other.span(place)),))


def _set_aside(
    context: Context,
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
        said = [block.origin for block in draft.node.blocks("domains") or ()]
        origin = max(said, key=lambda origin: places[id(origin.document)])  # what is added in one's own profile is one's own
        whose = f"the rule `{rule.name}`"
        if places[id(origin.document)] >= since:
            message = f"{whose} has `domains`, and a smarthost takes all mail: it could never apply"
            related = (("the smarthost", smarthost.origin.span()),)
            context.wrong(message, origin.span(), "a rule with `next_hops`, or no smarthost", related)
        elif not law.at_least_as_strong(applies, law.outbound_decision(policy, rule)):
            message = f"the smarthost would get mail on weaker terms than the base demands: {whose}"
            expected = "a rule with `next_hops` for the smarthost that is as strong"
            context.at_odds(message, smarthost.origin.span(), expected, ((whose, origin.span()),))
        else:
            aside.append(rule.name)
            notes.append(f"the rule `{rule.name}` ({origin}) is set aside: all mail goes to {outbound.smarthost}, on terms as strong")
    return Outbound(outbound.tls, outbound.verify, None, outbound.smarthost, kept, tuple(aside))


def _probe(sessions: tuple[Parameters, Parameters], outbound: Outbound) -> Policy:
    return Policy("", "", None, Server(None, ()), *sessions, outbound, Inbound(Level.NONE, (), ()), ())


def with_anchors(context: Context, outbound: Outbound, host: str | None, *, needed: bool) -> Outbound:
    """Return the outbound part with the platform's trust anchors where nobody said any; `needed`: it is wrong to have none."""
    if outbound.trust_anchors is not None or context.root.leaf("outbound", "trust_anchors") is not None:
        return outbound
    platform = platform_of(context.root, host)
    anchors = PLATFORMS[platform].trust_anchors if platform else None
    if anchors is None and needed:
        names = [f"the rule `{rule.name}`" for rule in outbound.rules if rule.verify is Verify.HOSTNAME]
        names += ["the default"] if outbound.verify is Verify.HOSTNAME else []
        if names:
            span = context.root.origin_of(("outbound",)).span(key=True)
            context.at_odds(
                f"{names[0]} verifies certificates, and no trust anchors are given",
                span,
                "`trust_anchors` under `outbound`, or a `platform`",
            )
    return Outbound(outbound.tls, outbound.verify, anchors, outbound.smarthost, outbound.rules, outbound.set_aside)
