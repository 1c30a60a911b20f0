"""What is wrong with a document, in words: pydantic's errors with their places and near misses."""

from __future__ import annotations

import difflib
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel

from tlsconf.diagnostics import Finding, short
from tlsconf.document import Document
from tlsconf.profile import HOST_PATTERN, NAME_PATTERN, RELEASE_PATTERN, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

    from tlsconf.diagnostics import KeyPath

_RESERVED: Final = frozenset({"submission", "sni", "client_certificates", "mta_sts", "publication"})


def without_mistakes(
    document: Document, error: ValidationError, findings: list[Finding], model: type[BaseModel] = Profile, at: KeyPath = ()
) -> Document:
    """Add a finding for each of pydantic's errors, once each, and return the document without what they are about.

    `model` is what the document, or its part at the path `at`, was held against.
    """
    mistakes = [{**mistake, "loc": (*at, *mistake["loc"])} for mistake in error.errors(include_url=False)]
    findings += dict.fromkeys(_finding(document, mistake, model, len(at)) for mistake in mistakes)
    left_out = frozenset(_left_out(document.data, mistake) for mistake in mistakes)
    return Document(document.name, document.path, document.text, _without(document.data, left_out, ()), left_out, document.files)


def _left_out(data: Any, mistake: Any) -> KeyPath:
    """Return the path of what can't be used: the value, or the whole entry of a list that is nothing without it."""
    path = _real_path(data, mistake)
    needed = len(path) > 1 and isinstance(path[-2], int) and path[-1] in _NEEDED
    return path[:-1] if needed and mistake["type"] != "extra_forbidden" else path


def _without(data: Any, left_out: frozenset[KeyPath], path: KeyPath) -> Any:
    if isinstance(data, dict):
        return {key: _without(value, left_out, (*path, key)) for key, value in data.items() if (*path, key) not in left_out}
    if isinstance(data, list):
        return [None if (*path, index) in left_out else _without(value, left_out, (*path, index)) for index, value in enumerate(data)]
    return data


_NEEDED: Final = frozenset({"name", "id", "reason", "chain", "key"})
_MOST_BITS: Final = 1000  # Python refuses to write much longer numbers
_EXPECTED: Final = {
    "string_type": "text",
    "bool_type": "`true` or `false`",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "date_type": "a date such as `2027-03-31`",
    "string_too_short": "text that is not empty",
    "string_too_long": "shorter text",
}
_PATTERNS: Final = {
    NAME_PATTERN: "small letters, digits and `-`",
    HOST_PATTERN: "small letters, digits, `-` and `.`",
    RELEASE_PATTERN: 'numbers such as "3.7" or "3.7.11"',
}


def _finding(document: Document, error: Any, model: type[BaseModel], depth: int) -> Finding:
    path = _real_path(document.data, error)
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return _unknown_key(document, path, model, depth)
    if kind == "missing":
        return Finding(f"`{error['loc'][-1]}` is missing", document.span(path), f"the key `{error['loc'][-1]}`")
    if kind == "invalid_key":
        return Finding(f"the key {_shown(value)} is no text", document.span(path, key=True), "a word: put it between quotes")
    expected = _EXPECTED.get(kind, "")
    if kind == "literal_error":
        expected = _alternatives(error["ctx"]["expected"], value)
    elif kind == "explained":
        expected = error["ctx"]["expected"]
    elif kind == "string_pattern_mismatch":
        expected = _PATTERNS.get(error["ctx"]["pattern"], "small letters")
    elif kind == "string_too_long" and "-----BEGIN" in value:
        expected = "a path: this is the PEM text itself"
    elif kind == "string_type" and not isinstance(value, (dict, list, type(None))):
        expected = "text: put it between quotes"
    is_key = error["loc"][-1] == "[key]"
    return Finding(f"{_shown(value)} does not fit `{_dotted(path[:-1] if is_key else path)}`", document.span(path, key=is_key), expected)


def _unknown_key(document: Document, path: KeyPath, model: type[BaseModel], depth: int) -> Finding:
    key = _shown(path[-1]).strip("`")
    span = document.span(path, key=True)
    if model is Profile and key in _RESERVED:
        return Finding(f"`{key}` is not in version 1 of the language", span, "nothing here until a later version")
    allowed = sorted(_keys_at(model, path[depth:-1]))
    near = difflib.get_close_matches(key, allowed, 1, 0.6)
    hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(allowed)}" if allowed else "nothing here"
    return Finding(f"unknown key `{key}`", span, hint)


def _real_path(data: Any, error: Any) -> KeyPath:
    """Drop the steps of pydantic's location that the data does not have: tags of unions, what is missing, and keys made into text."""
    path: list[str | int] = []
    for step in error["loc"]:
        if (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            data = data[step]
            path.append(step)
    if error["type"] == "invalid_key" and (not path or path[-1] != error["input"]):
        path.append(error["input"])
    return tuple(path)


def _keys_at(model: type[BaseModel], path: KeyPath) -> set[str]:
    """Return the keys that a model knows at a path."""
    kinds: list[Any] = [model]
    for step in path:
        kinds = [inner for kind in kinds for inner in _step(kind, step)]
    return {name for kind in kinds for model in _models(kind) for name in model.model_fields}


def _step(kind: Any, step: str | int) -> Iterator[Any]:
    for plain in plain_kinds(kind):
        if isinstance(plain, type) and issubclass(plain, BaseModel):
            if step in plain.model_fields:
                yield plain.model_fields[str(step)].annotation
        elif typing.get_origin(plain) is dict:
            yield typing.get_args(plain)[1]
        elif typing.get_origin(plain) is tuple:
            yield typing.get_args(plain)[0]


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    for plain in plain_kinds(kind):
        if isinstance(plain, type) and issubclass(plain, BaseModel):
            yield plain


def plain_kinds(kind: Any) -> Iterator[Any]:
    """Yield the members of unions, without their annotations."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        yield from plain_kinds(typing.get_args(kind)[0])
    elif origin in {typing.Union, types.UnionType}:
        for member in typing.get_args(kind):
            yield from plain_kinds(member)
    else:
        yield kind


def _alternatives(expected: str, value: Any) -> str:
    words = [word.strip("'").replace("True", "true") for word in expected.replace(" or ", ", ").split(", ")]
    near = difflib.get_close_matches(_shown(value).strip("`"), words, 1, 0.6)
    listed = ", ".join(f"`{word}`" for word in words)
    return f"one of {listed}" + (f"; did you mean `{near[0]}`?" if near else "") if len(words) > 1 else listed


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "a number of many digits"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{short(text)}`"


def _dotted(path: KeyPath) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "the profile"
