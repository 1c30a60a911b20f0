"""The profile does not extend the base that it has to.

What: none of the documents that make the profile is the `base`. A shipped name means that very shipped profile, in any edition unless one
is named (`uk-government@2026-11`); a path means that file; any other name is the `name` of a document that the profile extends, or of the
profile itself, where it has no targets and so is a base.

Why: what a base demands (also `overlays: stronger`) holds only for profiles that extend it. One that drops it demands what it likes.

Example: `tlsconf audit --must-extend uk-government profile.yaml`, where the profile has no `extends`.

Remedy: `extends`, directly or through a profile that does.

Source: the organisation's own rule, given with `--must-extend` or in a standard of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from tlsconf import resources
from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import explained
from tlsconf.chain import shipped
from tlsconf.profile import Strict, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


def is_path(base: str) -> bool:
    """Tell whether a base is meant as a path, as `extends` does."""
    return "/" in base or base.endswith((".yaml", ".yml"))


def _beside(base: str, info: ValidationInfo) -> str:
    """Return a path so that it is relative to the standard that names it, whose folder is the context."""
    if "\0" in base:
        expected = "a name or a path"
        raise explained(expected)
    return os.path.join(info.context, base) if info.context is not None and is_path(base) else base  # noqa: PTH118  (as it is written)


class Parameters(Strict):
    """The base."""

    base: Annotated[Text, AfterValidator(_beside)] = Field(
        description="A shipped profile, `NAME` or `NAME@EDITION`, a path that contains `/`, or another profile's name."
    )


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield a flaw where the base is not in the chain."""
    own = resolved.documents[-1]
    if not _extends(resolved, parameters.base):
        place = own.span(("extends",)) if "extends" in own.data else own.span(("name",), key=True)
        yield Flaw(f"the profile does not extend `{parameters.base}`", place, f"`extends: {parameters.base}`, or a profile that does")


def _extends(resolved: Resolved, base: str) -> bool:
    if is_path(base):
        return any(os.path.realpath(document.path) == os.path.realpath(base) for document in resolved.documents)
    names = [name for name in shipped() if base in {name, name.partition("@")[0]}]
    if names:  # a file of another folder that only calls itself so is none
        files = {os.path.realpath(resources.PROFILES / f"{name}.yaml") for name in names}
        return any(os.path.realpath(Path(document.path)) in files for document in resolved.documents)
    if resolved.documents[-1].data.get("name") == base:
        return not any(policy.targets for policy in resolved.policies)  # the base itself; one that is rendered only calls itself so
    return any(document.data.get("name") == base for document in resolved.documents[:-1])
