"""Documents laid over one another: the `extends` merge, with an origin kept for every value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.diagnostics import KeyPath, Span
    from tlsconf.document import Document

_LISTS: Final = frozenset(
    {"cipher_suites", "groups", "domains", "next_hops", "mx", "senders", "clients", "exempt_clients", "certificates", "accept"}
)


class Origin(NamedTuple):
    """Where a value was said: a document and a key path in it."""

    document: Document
    path: KeyPath

    def span(self, *, key: bool = False) -> Span:
        """Return the place in the text."""
        return self.document.span(self.path, key=key)

    def is_whole(self) -> bool:
        """Tell whether nothing of what was said here was left out as wrong."""
        return not any(path[: len(self.path)] == self.path for path in self.document.left_out)

    def __str__(self) -> str:
        """Return `FILE:LINE`."""
        return f"{self.document.name}:{self.span().line}"


class Leaf(NamedTuple):
    """A scalar and its origin."""

    value: Any
    origin: Origin


class Block(NamedTuple):
    """Entries of a list that come from one place; `indices` are their places there, `None`: all of them in order."""

    values: Sequence[Any]
    origin: Origin
    indices: Sequence[int] | None = None

    def entries(self) -> Iterator[tuple[Any, Origin]]:
        """Yield each entry with its origin."""
        document, path = self.origin
        for index, value in zip(self.indices or range(len(self.values)), self.values, strict=True):
            yield value, Origin(document, (*path, index))


class Node:
    """A mapping: its values (`Leaf`, `Node` or a tuple of `Block`) and where it was last said."""

    __slots__ = ("origin", "values")

    def __init__(self, origin: Origin) -> None:
        """Begin with no values."""
        self.origin = origin
        self.values: dict[str, Any] = {}

    def leaf(self, *path: str) -> Leaf | None:
        """Return the scalar at a path of keys, or `None`."""
        found = self.at(path)
        return found if isinstance(found, Leaf) else None

    def node(self, *path: str) -> Node | None:
        """Return the mapping at a path of keys, or `None`."""
        found = self.at(path)
        return found if isinstance(found, Node) else None

    def blocks(self, *path: str) -> tuple[Block, ...] | None:
        """Return the list at a path of keys, or `None` where nobody said one."""
        found = self.at(path)
        return found if isinstance(found, tuple) and not isinstance(found, Leaf) else None

    def at(self, path: Sequence[str | int]) -> Any:
        """Return what is at a path of keys, or `None`."""
        found: Any = self
        for step in path:
            found = found.values.get(str(step)) if isinstance(found, Node) else None
        return found

    def origin_of(self, path: Sequence[str | int]) -> Origin:
        """Return the origin of what is at a path, or of its nearest parent that somebody said."""
        found: Any = self
        origin = self.origin
        for step in path:
            found = found.values.get(str(step)) if isinstance(found, Node) else None
            if found is None:
                break
            if isinstance(found, (Node, Leaf)):
                origin = found.origin
            elif found:
                origin = found[0].origin
        return origin


class _Said(NamedTuple):
    """What is wrong, and what can't be removed as it is not there."""

    wrong: list[Finding]
    not_there: list[Finding]


def merge(documents: Sequence[Document], findings: list[Finding]) -> Node:
    """Lay documents over one another, the first is the lowest; what is wrong is added to `findings`.

    Mappings merge key by key, rules by `name` (`remove: true` takes one out), other lists whole or by `{add: …, remove: …}`.
    """
    root = Node(Origin(documents[0], ()))
    said = _Said(findings, [])
    for document in documents:
        _merge_mapping(root, document.data, Origin(document, ()), said)
    if "extends" not in documents[0].data and not any(document.left_out for document in documents):
        findings += said.not_there  # else it may be in a base that could not be had, or in what was left out as wrong
    return root


def _merge_mapping(into: Node, data: dict[str, Any], origin: Origin, said: _Said) -> None:
    into.origin = origin
    holds_lists = origin.path == ("lists",) or (origin.path[-1:] == ("keep",) and "targets" in origin.path[:-1])
    for key, value in data.items():
        here = Origin(origin.document, (*origin.path, key))
        if origin.path == ("hosts",):  # a host may be called like one of our keys
            _merge_mapping(_descend(into, key, here), value, here, said)
        elif holds_lists or key in _LISTS:
            into.values[key] = _merge_list(into.values.get(key), value, here, said)
        elif key == "rules":
            _merge_rules(into, value, here, said)
        elif key == "targets":
            _merge_targets(into, value, here, said)
        elif isinstance(value, dict):
            _merge_mapping(_descend(into, key, here), value, here, said)
        else:
            into.values[key] = Leaf(value, here)


def _descend(into: Node, key: str, here: Origin) -> Node:
    if not isinstance(into.values.get(key), Node):
        into.values[key] = Node(here)
    node: Node = into.values[key]
    return node


def _merge_targets(into: Node, value: Any, here: Origin, said: _Said) -> None:
    targets = _descend(into, "targets", here)
    if isinstance(value, list):  # a list says exactly which; details that a base gave them stay
        entries = list(_block(value, here).entries())
        targets.values = {name: targets.values.get(name) or Node(origin) for name, origin in entries}
        targets.origin = here
        return
    _merge_mapping(targets, {name: details or {} for name, details in value.items()}, here, said)


def _merge_rules(into: Node, rules: list[dict[str, Any]], here: Origin, said: _Said) -> None:
    merged = _descend(into, "rules", here)
    merged.origin = here
    seen: dict[str, Origin] = {}
    for index, rule in enumerate(rules):
        if rule is None:
            continue
        origin = Origin(here.document, (*here.path, index))
        name = rule["name"]
        if name in seen:
            message = f"two rules are called `{name}`"
            said.wrong.append(Finding(message, _name_span(origin), "another name", (("first here", _name_span(seen[name])),)))
            continue
        seen[name] = origin
        if rule.get("remove"):
            _remove_rule(merged, rule, origin, said)
        else:
            _merge_mapping(_descend(merged, name, origin), rule, origin, said)


def _remove_rule(merged: Node, rule: dict[str, Any], origin: Origin, said: _Said) -> None:
    name = rule["name"]
    if set(rule) != {"name", "remove"}:
        said.wrong.append(
            Finding(f"the rule `{name}` is removed and says something as well", origin.span(), "`name` and `remove: true` alone")
        )
    elif name not in merged.values:
        known = ", ".join(merged.values) or "none"
        said.not_there.append(
            Finding(f"no base has a rule `{name}` that could be removed", _name_span(origin), f"one of the base's rules: {known}")
        )
    else:
        del merged.values[name]


def _name_span(origin: Origin) -> Span:
    return origin.document.span((*origin.path, "name"))


def _merge_list(below: Any, value: Any, here: Origin, said: _Said) -> tuple[Block, ...]:
    if isinstance(value, list):
        return (_block(value, here),)
    blocks: tuple[Block, ...] = below or ()
    removed = value.get("remove", ())
    for index, entry in enumerate(removed):
        if entry is not None and not any(entry in block.values for block in blocks):
            span = here.document.span((*here.path, "remove", index))
            said.not_there.append(Finding("the base's list has no such entry to remove", span, "an entry of the base, spelt the same"))
    if removed:
        blocks = tuple(_without(block, removed) for block in blocks)
    if value.get("add"):
        blocks = (*blocks, _block(value["add"], Origin(here.document, (*here.path, "add"))))
    return blocks


def _block(values: list[Any], origin: Origin) -> Block:
    if None not in values:
        return Block(values, origin)
    indices = [index for index, value in enumerate(values) if value is not None]  # the others were wrong and are left out
    return Block([values[index] for index in indices], origin, indices)


def _without(block: Block, removed: Sequence[Any]) -> Block:
    indices = block.indices or range(len(block.values))
    words = {entry for entry in removed if isinstance(entry, str)}
    others = [entry for entry in removed if not isinstance(entry, str)]
    kept = [(v, i) for v, i in zip(block.values, indices, strict=True) if (v not in words if isinstance(v, str) else v not in others)]
    return Block([value for value, _ in kept], block.origin, [index for _, index in kept])
