"""The limitations' documentation: the docstrings of the functions that make them."""

from __future__ import annotations

import inspect

from tlsconf.mta import NAMES, load


def limitation_documents() -> dict[str, str]:
    """Return each limitation's docstring by its id, server by server."""
    return {function.__name__.replace("_", "-"): inspect.getdoc(function) or "" for name in NAMES for function in load(name).LIMITATIONS}
