"""What a target is to be given: final values, files and limitations. Values only; nothing is decided here."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["stricter", "different", "weaker", "missing"]
Effective = Literal["live", "reload", "restart"]


class Raw(str):
    """A value that is already in the target's own syntax: made by a back-end, never from a profile's text alone."""

    __slots__ = ()


class Setting(NamedTuple):
    """One name and its value: an option, a parameter or a table entry.

    A plain `str` is literal text, which the target's `quote` protects or refuses; a `Raw` is copied as it is.
    """

    name: str
    value: str


class Section(NamedTuple):
    """Settings that belong together, under a comment of one line."""

    title: str
    settings: tuple[Setting, ...]


class PlannedFile(NamedTuple):
    """A file to be rendered.

    `path` is relative to the target's folder; `template` is relative to `templates/`; `comment` is the text before and
    after each line of the header in the target's comment syntax.
    """

    path: str
    template: str
    sections: tuple[Section, ...]
    destination: str | None
    comment: tuple[str, str] = ("# ", "")
    owner: str = "root:root"
    mode: str = "0644"
    effective: Effective = "reload"


class SiteEdit(NamedTuple):
    """A line that the administrator adds once to a file of the site: `anchor` is a regular expression for a line."""

    file: str
    anchor: str
    where: Literal["before", "after", "end"]
    line: str


class Requirement(NamedTuple):
    """A path that must exist on the server, and the user who must be able to read it."""

    path: str
    readable_by: str


class Limitation(NamedTuple):
    """Where a target can't keep the law.

    `rules` are the rules that it touches, `()` the defaults only; `message` says in one line what happens instead, for this policy.
    """

    id: str
    kind: Kind
    rules: tuple[str, ...]
    message: str


class Plan(NamedTuple):
    """All that is written for one target, and how it is installed: shell lines, run as root in the target's folder."""

    target: str
    release: str
    files: tuple[PlannedFile, ...]
    limitations: tuple[Limitation, ...] = ()
    site_edits: tuple[SiteEdit, ...] = ()
    requires: tuple[Requirement, ...] = ()
    compile: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    activate: tuple[str, ...] = ()
    rollback: tuple[str, ...] = ()
    on_certificate_change: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, tuple[Setting, ...]]:
        """Return the settings of every file by its path, in file order: what `parse` gives back."""
        return {file.path: tuple(s for section in file.sections for s in section.settings) for file in self.files}
