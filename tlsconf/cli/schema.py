"""`tlsconf schema`: the language as JSON Schema, for editors."""

from __future__ import annotations

from tlsconf.cli.terminal import say


def schema() -> None:
    """Print the JSON Schema of the profile language."""
    import json

    from tlsconf.profile import json_schema

    say(json.dumps(json_schema(), indent=2, ensure_ascii=False))
