"""YAML text to data, and a key path to its place in the text."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tlsconf.diagnostics import Finding, Span, short
from tlsconf.errors import ProfileError
from tlsconf.files import DISK, MAXIMUM_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from tlsconf.diagnostics import KeyPath
    from tlsconf.files import Files

MAXIMUM_NODES: Final = 1_000_000
MAXIMUM_DEPTH: Final = 100  # the C composer calls itself for each level; no profile needs more than eight
# Cheap signs that a text may nest deeply; only where one is found are its events counted. A text without them has 300 levels at the most.
_DEEP_LINE: Final = (*(f"{one} {other} " for one in "-?:" for other in "-?:"), "-  ", "?  ", ":  ")
_DEEP_INDENT: Final = " " * 100
_NOT_ASCII_YAML: Final = r"[^\t\n\r\x20-\x7e]"
_NOT_YAML: Final = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # takes 9 ms to compile, for the few
Node = Any  # a node of ruamel.yaml, whose attributes have no types
_TAG: Final = r"(?:^|[\s\[{,])!"  # not where a sentence ends
_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_BOM: Final = b"\xef\xbb\xbf"


class Document:
    """A file that was read: `name` as users know it, its text and its data (mappings, lists and scalars).

    `left_out` are the key paths of what was wrong: not in `data`, or `None` in a list, whose entries so keep their places. What the
    document names is looked for among `files`, beside `path`.
    """

    def __init__(
        self, name: str, path: PurePath, text: str, data: Any, left_out: frozenset[KeyPath] = frozenset(), files: Files = DISK
    ) -> None:
        """Keep what was read; places are found only when they are asked for."""
        self.name = name
        self.path = path
        self.text = text
        self.data = data
        self.left_out = left_out
        self.files = files

    @cached_property
    def lines(self) -> list[str]:
        """The lines as YAML counts them (YAML 1.1 section 4.2), without what ends them."""
        return self.text.split("\n") if self.text.isascii() and "\r" not in self.text else _LINE_END.split(self.text)

    @cached_property
    def _root(self) -> Node | None:
        return _compose(self.text)

    def span(self, path: KeyPath, *, key: bool = False) -> Span:
        """Return where the value at a key path stands, or its key; the nearest parent where the path ends early."""
        node = self._root
        if node is None:
            return self.line_span(1)
        found, found_key = node, None
        for step in path:
            following = _child(found, step)
            if following is None:
                break
            found_key, found = following
        return self._node_span(found_key if key and found_key is not None else found)

    def line_span(self, line: int, column: int = 1, length: int | None = None) -> Span:
        """Return a stretch of a line, to its end where no length is given; `line` and `column` count from 1."""
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        rest = max(1, len(source) - column + 1)
        return Span(self.name, line, column, rest if length is None else min(max(1, length), rest), source)

    def _node_span(self, node: Node) -> Span:
        start, end = node.start_mark, node.end_mark
        length = end.column - start.column if end.line == start.line else None
        return self.line_span(start.line + 1, start.column + 1, length)


def decode(name: str, path: PurePath, content: bytes, files: Files = DISK) -> Document:
    """Turn the bytes of a text file into a document without data. Raises `ProfileError` for what is no UTF-8 text."""
    if len(content) > MAXIMUM_BYTES:
        raise _error(
            Document(name, path, content[:200].decode(errors="replace"), None),
            "the file is too long", 1, expected=f"{MAXIMUM_BYTES} bytes at the most",
        )  # fmt: skip
    content = content.removeprefix(_BOM)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        document = Document(name, path, content.decode(errors="replace"), None)
        line, column = _position(before)
        raise _error(document, f"byte {content[error.start]:#04x} is not UTF-8", line, column, 1, "a text file in UTF-8") from None
    bad = re.search(_NOT_ASCII_YAML if text.isascii() else _NOT_YAML, text)
    if bad is not None:
        document = Document(name, path, text, None)
        line, column = _position(text[: bad.start()])
        raise _error(document, f"the character U+{ord(bad.group()):04X} is not allowed", line, column, 1, "a text file in UTF-8")
    return Document(name, path, text, None, files=files)


def load(name: str, path: PurePath, content: bytes, findings: list[Finding], files: Files = DISK) -> Document:
    """Read a YAML document of one mapping; mistakes of form that leave its data readable are added to `findings`.

    Raises `ProfileError` where no data can be had.
    """
    document = decode(name, path, content, files)
    parse(document, findings)
    if not isinstance(document.data, dict):
        expected = "a mapping that begins with `tlsconf: 1`"
        raise ProfileError((Finding(f"the document holds {kind_of(document)}", document.span(()), expected),))
    return document


def parse(document: Document, findings: list[Finding]) -> None:
    """Read the text of a document that has no data yet, whatever it holds. Findings and errors are those of `load`."""
    if _may_be_too_large(document.text):
        _check_size(document)
    from ruamel.yaml.constructor import DuplicateKeyError  # only where YAML is read
    from ruamel.yaml.error import YAMLError

    text = document.text
    has_signs = "<<" in text or "&" in text or ("!" in text and re.search(_TAG, text) is not None)
    try:
        try:
            document.data = _construct(text, duplicates=False)
        except DuplicateKeyError:
            has_signs = True
            document.data = _construct(text, duplicates=True)  # so that the rest can be judged too
    except (YAMLError, *_UNREADABLE) as error:
        found = (*_form_findings(document), *_unreadable_findings(document))
        raise ProfileError(found or (_marked(document, error),)) from None
    if has_signs:
        findings += _form_findings(document)


def kind_of(document: Document) -> str:
    """Return in words what a document holds instead of a mapping."""
    return "nothing" if document.data is None else f"a {_KINDS.get(type(document.data), 'value')}"


# What ruamel.yaml raises for a scalar that is not what its tag says, such as `!!bool abc` or a number of a million digits.
_UNREADABLE: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
)
_TOO_MANY: Final = ("has too many nodes, aliases counted as often as they are used", f"{MAXIMUM_NODES} nodes")
_KINDS: Final[dict[type, str]] = {list: "list", str: "text", int: "number", float: "number", bool: "truth value"}


def _construct(text: str, *, duplicates: bool) -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    yaml.allow_duplicate_keys = duplicates  # the first one counts
    return yaml.load(text)


def _compose(text: str) -> Node | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").compose(text)
    except YAMLError:
        return None


def _child(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if node.id == "mapping":
        step_is = (lambda key: key.value == step) if isinstance(step, str) else (lambda key: not key.tag.endswith(":str"))
        return next(((key, value) for key, value in node.value if step_is(key)), None)
    if node.id == "sequence" and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None


def _form_findings(document: Document) -> Iterator[Finding]:
    """Yield what the nodes show: duplicate keys, merge keys, tags. Raises `ProfileError` for too many nodes."""
    for node in _nodes(document):
        if node.tag not in _TAGS:
            yield Finding("a tag of this kind is not allowed", document._node_span(node), "a plain value")  # noqa: SLF001  (same file)
        if node.id == "mapping":
            yield from _key_findings(document, node)


def _unreadable_findings(document: Document) -> Iterator[Finding]:
    """Yield the scalars that can't be read as what they look like or are said to be."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    for node in _nodes(document):
        try:
            if node.id == "scalar" and node.tag in _TAGS:
                YAML(typ="safe").constructor.construct_object(node)
        except (YAMLError, *_UNREADABLE):
            kind = node.tag.rpartition(":")[2]
            yield Finding(f"`{short(node.value)}` can't be read as {kind}", document._node_span(node), "text: put it between quotes")  # noqa: SLF001


def _nodes(document: Document) -> Iterator[Node]:
    """Yield every node once, parents first; none where the text is no YAML."""
    root = _compose(document.text)
    if root is None:
        return
    if _count(root, {}) > MAXIMUM_NODES:
        what, most = _TOO_MANY
        raise _error(document, f"the document {what}", 1, expected=f"{most} at the most")
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if node.id == "sequence":
            stack += reversed(node.value)
        elif node.id == "mapping":
            stack += [part for pair in reversed(node.value) for part in reversed(pair)]


def _key_findings(document: Document, node: Node) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for key, _ in node.value:
        span = document._node_span(key)  # noqa: SLF001  (same file)
        if key.id != "scalar":
            yield Finding("a key is a list or a mapping", span, "a word")
        elif key.tag.endswith(":merge"):
            yield Finding("the merge key `<<` is not allowed", span, "an anchor and an alias for a whole value, or `extends`")
        elif key.value in first:
            related = (("first here", document._node_span(first[key.value])),)  # noqa: SLF001
            yield Finding(f"the key `{key.value}` is given twice", span, "each key once", related)
        else:
            first[key.value] = key


def _count(node: Node, counted: dict[int, int]) -> int:
    """Count nodes as often as aliases use them; a node that holds itself counts as too many."""
    if node.id == "scalar":
        return 1
    if id(node) not in counted:
        counted[id(node)] = MAXIMUM_NODES + 1
        children = node.value if node.id == "sequence" else [part for pair in node.value for part in pair]
        counted[id(node)] = 1 + sum(_count(child, counted) for child in children)
    return counted[id(node)]


def _may_be_too_large(text: str) -> bool:
    return (
        _DEEP_INDENT in text
        or any(sign in text for sign in _DEEP_LINE)
        or text.count("[") + text.count("{") > MAXIMUM_DEPTH
        or sum(map(text.count, "\n,:")) > MAXIMUM_NODES
    )


def _check_size(document: Document) -> None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    depth = nodes = 0
    try:
        for event in YAML(typ="safe").parse(document.text):
            kind = type(event).__name__
            opens, closes = kind.endswith("StartEvent"), kind.endswith("EndEvent")
            depth += opens - closes
            nodes += not closes
            if depth > MAXIMUM_DEPTH or nodes > MAXIMUM_NODES:
                mark = event.start_mark
                what, most = ("nests too deeply", f"{MAXIMUM_DEPTH} levels") if depth > MAXIMUM_DEPTH else _TOO_MANY
                raise _error(document, f"the document {what}", mark.line + 1, mark.column + 1, 1, f"{most} at the most")
    except YAMLError:
        return  # the loader says it better


def _marked(document: Document, error: Any) -> Finding:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    message = str(getattr(error, "problem", None) or error).partition("\n")[0]
    span = document.line_span(1) if mark is None else document.line_span(mark.line + 1, mark.column + 1, 1)
    expected = ""
    if "another document" in message:
        return Finding("a second document begins here", span, "one document in the file")
    if "cannot start any token" in message and span.source[span.column - 1 : span.column] == "\t":
        expected = "spaces: YAML takes no tabs here"
    elif "cannot start any token" in message or "did not find expected node content" in message:
        expected = 'quotes around a value that begins with one of : * & ! % @ ` [ ] { } , such as "::1"'
    return Finding(f"not YAML: {message}", span, expected)


def _error(document: Document, message: str, line: int, column: int = 1, length: int | None = None, expected: str = "") -> ProfileError:
    return ProfileError((Finding(message, document.line_span(line, column, length), expected),))


def _position(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
