"""`tlsconf init`: a profile to begin with."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

import typer

from tlsconf.cli.terminal import say
from tlsconf.errors import UsageError
from tlsconf.mta import NAMES
from tlsconf.platforms import PLATFORMS

_NEWEST: Final = {"postfix": "3.11", "exim": "4.100", "sendmail": "8.18"}


class _Line(NamedTuple):
    line: str


def _complete_platform(incomplete: str) -> list[str]:
    return [name for name in PLATFORMS if name.startswith(incomplete)]


def init(
    platform: Annotated[
        str, typer.Option("--platform", metavar="P", help=f"One of {', '.join(PLATFORMS)}.", autocompletion=_complete_platform)
    ] = "debian-13",
    extends: Annotated[str, typer.Option("--extends", metavar="NAME", help="A shipped profile or a path.")] = "uk-government",
) -> None:
    """Print a commented profile to begin with."""
    if platform not in PLATFORMS:
        message = f"no platform `{platform}` is known: it is one of {', '.join(PLATFORMS)}"
        raise UsageError(message)
    from tlsconf.chain import shipped

    known = shipped()
    if extends not in known and "/" not in extends and not extends.endswith((".yaml", ".yml")):
        message = f"no profile `{extends}` is shipped: it is one of {', '.join(known)}; a path contains `/`"
        raise UsageError(message)
    import json

    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from tlsconf import resources

    quoted = extends if extends in known else json.dumps(extends, ensure_ascii=False)
    templates = Environment(  # noqa: S701  (no HTML is made)
        loader=FileSystemLoader(resources.TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = templates.get_template("profile.yaml.j2")
    say(
        template.render(
            name="my-mail-servers", extends=quoted, platform=platform, targets=[_Line(_target(platform, name)) for name in NAMES]
        )
    )


def _target(platform: str, name: str) -> str:
    """Return a target's line; a platform without a release of its own needs one said."""
    if getattr(PLATFORMS[platform], name) is not None:
        return f"{name}:"
    return f'{name}: {{release: "{_NEWEST[name]}"}}  # say yours: {platform} does not tell'
