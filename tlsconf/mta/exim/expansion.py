"""Exim's expansion language (specification, "String expansions"): each function returns one item or condition as text.

Arguments are themselves expansions; text of a profile must come through `syntax.literal`.
"""

from __future__ import annotations


def lookup(key: str, kind: str, file: str, *, found: str = "$value", missing: str = "") -> str:
    """Return what a file has for a key; a file that can't be read makes the expansion fail, which no `missing` prevents."""
    return f"${{lookup{{{key}}}{kind}{{{file}}}{{{found}}}{{{missing}}}}}"


def word_of(words: str, name: str) -> str:
    """Return what stands after `name=` in words, or nothing."""
    return f"${{extract{{{name}}}{{{words}}}}}"


def when(condition: str, yes: str = "", no: str = "") -> str:
    """Return one of two texts."""
    return f"${{if {condition}{{{yes}}}{{{no}}}}}"


def equal(left: str, right: str) -> str:
    """Return the condition that two texts are the same."""
    return f"eq{{{left}}}{{{right}}}"


def below(left: str, right: str) -> str:
    """Return the condition that one number is lower than another; nothing counts as 0."""
    return f"<{{{left}}}{{{right}}}"


def exists(path: str) -> str:
    """Return the condition that a path exists; who may read it is not looked at."""
    return f"exists{{{path}}}"


def absent(path: str) -> str:
    """Return the condition that a path does not exist."""
    return f"!exists{{{path}}}"


def every(*conditions: str) -> str:
    """Return the condition that all hold; none is looked at after the first that does not."""
    return "and{" + "".join(f"{{{condition}}}" for condition in conditions) + "}"


def some(*conditions: str) -> str:
    """Return the condition that one holds; none is looked at after the first that does."""
    return "or{" + "".join(f"{{{condition}}}" for condition in conditions) + "}"


def no_item(items: str, condition: str) -> str:
    """Return the condition that no item of a list, as `$item`, fulfils another one."""
    return f"!forany{{{items}}}{{{condition}}}"


def contains(items: str, text: str) -> str:
    """Return the condition that a text is an item of a list."""
    return f"inlisti{{{text}}}{{{items}}}"


def digits(text: str) -> str:
    """Return the digits of a text alone."""
    return f"${{sg{{{text}}}{{\\N\\D\\N}}{{}}}}"
