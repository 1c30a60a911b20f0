"""Entries of a profile's lists: references followed, each in its final form, errors at their places."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

from tlsconf import entries
from tlsconf.chain import read_beside
from tlsconf.diagnostics import Finding, short
from tlsconf.errors import ProfileError
from tlsconf.merge import Block, Leaf, Node, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tlsconf.diagnostics import KeyPath, Span
    from tlsconf.document import Document


class Context(NamedTuple):
    """What every step needs: the merged values, where findings go, list files that were read, and what the documents left out as wrong.

    `has_all_bases` is false where a base could not be had.
    """

    root: Node
    findings: list[Finding]
    files: dict[tuple[str, str], Block | None]
    left_out: frozenset[KeyPath] = frozenset()
    has_all_bases: bool = True

    def wrong(self, message: str, span: Span, expected: str = "", related: tuple[tuple[str, Span], ...] = ()) -> None:
        """Add a finding."""
        self.findings.append(Finding(message, span, expected, related))

    def at_odds(self, message: str, span: Span, expected: str = "", related: tuple[tuple[str, Span], ...] = ()) -> None:
        """Add a finding about values that do not fit together; where some are left out, it might come from that alone."""
        if self.has_all_bases and not self.left_out:
            self.wrong(message, span, expected, related)


class Entries(NamedTuple):
    """Entries from one place in their final form, and the document whose rule or list asked for them."""

    values: Sequence[Any]
    block: Block
    asked: Document

    def span(self, index: int) -> Span:
        """Return where an entry stands."""
        return block_span(self.block, index)


def value_of(leaf: Leaf | None, default: Any) -> Any:
    """Return a scalar, or the default where nobody said it."""
    return default if leaf is None else leaf.value


def rules_of(root: Node, side: str) -> list[Node]:
    """Return the merged rules of `outbound` or `inbound`, in order."""
    rules = root.node(side, "rules")
    return list(rules.values.values()) if rules else []


def one(context: Context, leaf: Leaf, read: Callable[[str], Any], kind: str, expected: str) -> Any:
    """Read one scalar into its final form; what is wrong with it becomes a finding, and `None` comes back."""
    try:
        return read(leaf.value)
    except ValueError as error:
        reason = f": {error}" if str(error) else ""
        context.wrong(f"`{short(leaf.value)}` is no {kind}{reason}", leaf.origin.span(), expected)
        return None


def block_span(block: Block, index: int) -> Span:
    """Return where an entry of a block stands, in a profile or in a list file."""
    document, path = block.origin
    place = index if block.indices is None else block.indices[index]
    return document.line_span(place) if document.data is None else document.span((*path, place))


def _expand(context: Context, blocks: Iterable[Block]) -> Iterator[tuple[Block, Document]]:
    """Yield the blocks of texts behind a list with references, and the document that asked for each."""
    for block in blocks:
        for found in _texts(context, block, in_list=False):
            yield found, block.origin.document


def _texts(context: Context, block: Block, *, in_list: bool) -> Iterator[Block]:
    if all(isinstance(value, str) for value in block.values):
        yield block
        return
    for value, (document, path) in block.entries():
        if isinstance(value, str):
            yield Block([value], Origin(document, path[:-1]), [path[-1]])  # type: ignore[list-item]
        else:
            yield from _refer(context, value, Origin(document, path), in_list=in_list)


def _refer(context: Context, reference: dict[str, str], origin: Origin, *, in_list: bool) -> Iterator[Block]:
    if len(reference) != 1:
        if origin.is_whole():
            context.wrong("a reference has one key", origin.span(), "`list: NAME` or `file: PATH`")
    elif "file" in reference:
        block = _file(context, reference["file"], origin)
        if block is not None:
            yield block
    elif in_list:
        context.wrong("a list can't name another list", origin.span(), "entries, or `file: PATH`")
    else:
        for block in _named(context, reference["list"], origin):
            yield from _texts(context, block, in_list=True)


def _named(context: Context, name: str, origin: Origin) -> tuple[Block, ...]:
    found = context.root.blocks("lists", name)
    if found is None and context.has_all_bases and not any(path[:1] == ("lists",) for path in context.left_out):
        lists = context.root.node("lists")
        known = list(lists.values) if lists else []
        near = difflib.get_close_matches(name, known, 1, 0.6)
        expected = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(known)}" if known else "a list under `lists`"
        context.wrong(f"there is no list `{name}`", origin.document.span((*origin.path, "list")), expected)
    return found or ()


def _file(context: Context, file: str, origin: Origin) -> Block | None:
    key = (str(origin.document.path.parent), file)
    if key not in context.files:
        context.files[key] = None
        try:
            document = read_beside(origin.document, file)
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


def patterns(context: Context, blocks: tuple[Block, ...] | None) -> list[Entries]:
    """Return the domain patterns of a list, references followed, in their final form."""
    found = []
    for block, asked in _expand(context, blocks or ()):
        values, wrong = entries.domain_patterns(block.values)
        for index, reason in wrong.items():
            message = f"`{short(block.values[index])}` is no domain pattern" + (f": {reason}" if reason else "")
            context.wrong(message, block_span(block, index), entries.EXPECTED_PATTERN)
        found.append(Entries(values, block, asked))
    return found


def each(context: Context, blocks: tuple[Block, ...] | None, read: Callable[[str], Any], kind: str, expected: str) -> list[Entries]:
    """Read every entry of a list, references followed, into its final form; `None` stands where one is wrong."""
    found = []
    for block, asked in _expand(context, blocks or ()):
        values: list[Any] = []
        for index, text in enumerate(block.values):
            try:
                values.append(read(text))
            except ValueError as error:
                reason = f": {error}" if str(error) else ""
                context.wrong(f"`{short(text)}` is no {kind}{reason}", block_span(block, index), expected)
                values.append(None)
        found.append(Entries(values, block, asked))
    return found


def check_lists(context: Context) -> None:
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
                    span = block_span(block, index)
                    context.wrong(f"`{short(block.values[index])}` is neither a domain nor an address", span, entries.EXPECTED_PATTERN)


def _used_lists(root: Node) -> set[str]:
    used = set()
    for rule in (*rules_of(root, "outbound"), *rules_of(root, "inbound")):
        for kind in ("domains", "next_hops", "mx", "senders", "clients"):
            for block in rule.blocks(kind) or ():
                used |= {value["list"] for value in block.values if isinstance(value, dict) and "list" in value}
    return used
