"""Rendering as the pipeline does it, for tests of this slice alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tlsconf.mta import exim
from tlsconf.resources import TEMPLATES

if TYPE_CHECKING:
    from tlsconf.plan import Plan


def environment() -> Environment:
    """Return the environment that templates are written for."""
    found = Environment(  # noqa: S701  the output is no HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["quote"] = exim.quote
    return found


def render(plan: Plan) -> dict[str, str]:
    """Return the text of each file of a plan by its path, under a short header."""
    templates = environment()
    return {
        file.path: f"{file.comment[0]}generated{file.comment[1]}\n"
        + templates.get_template(file.template).render(sections=file.sections, plan=plan)
        for file in plan.files
    }
