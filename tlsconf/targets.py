"""Hosts and targets: each detail from the nearest place that says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlsconf import entries
from tlsconf.lists import Context, one, value_of
from tlsconf.merge import Leaf, Node, Origin
from tlsconf.platforms import PLATFORMS
from tlsconf.policy import Acceptance, Certificate, Release, Server, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def platform_of(root: Node, host: str | None) -> str | None:
    """Return a host's platform, else the profile's."""
    leaf = (root.leaf("hosts", host, "platform") if host else None) or root.leaf("platform")
    return None if leaf is None else str(leaf.value)


def server_of(context: Context, host: str | None) -> Server:
    """Return a host's name and certificates, `{hostname}` filled in."""
    root = context.root
    of_host = root.node("hosts", host) if host else None
    leaf = (of_host.leaf("hostname") if of_host else None) or root.leaf("server", "hostname")
    hostname = None if leaf is None else one(context, leaf, entries.domain, "host name", "a name such as mx.example.com")
    blocks = of_host.blocks("certificates") if of_host else None
    if blocks is None:
        blocks = root.blocks("server", "certificates") or ()
    certificates = []
    for block in blocks:
        for paths, origin in block.entries():
            chain, key = (
                one(context, Leaf(paths[part], Origin(origin.document, (*origin.path, part))),
                     lambda text: entries.server_path(text, hostname), "path", entries.EXPECTED_PATH)
                for part in ("chain", "key")
            )  # fmt: skip
            certificates.append(Certificate(chain or "", key or ""))
    return Server(hostname, tuple(certificates))


def targets_of(context: Context, host: str | None) -> tuple[Target, ...]:
    """Return the servers of a host with their details."""
    root = context.root
    of_host = root.node("hosts", host, "targets") if host else None
    general = root.node("targets")
    names = of_host.values if of_host and of_host.values else general.values if general else {}
    return tuple(target for name in names if (target := _target(context, name, host)) is not None)


def _target(context: Context, name: Any, host: str | None) -> Target | None:
    root = context.root
    host_target = root.node("hosts", host, "targets", name) if host else None
    target = root.node("targets", name)
    nearest = [node for node in (host_target, target) if node is not None]
    host_platform = root.leaf("hosts", host, "platform") if host else None
    platforms = (None if host_platform is None else host_platform.value, value_of(root.leaf("platform"), None))
    release = _fact("release", (host_target, target), platforms, lambda platform: getattr(PLATFORMS[platform], name))
    if release is None:
        known = ", ".join(f"{value} ({key})" for key, entry in PLATFORMS.items() if (value := getattr(entry, name)))
        origin = nearest[0].origin if nearest else root.origin_of(("targets",))
        context.at_odds(
            f"no release of {name} is given", origin.span(), f"`release` in `targets.{name}`, or a `platform` that has one; known: {known}"
        )
        return None
    platform = platforms[0] or platforms[1]
    own = platform is not None and _number(getattr(PLATFORMS[platform], name) or "0") == _number(release)
    library = "openssl"
    if name == "exim":
        library = _fact("tls_library", (host_target, target), platforms, lambda platform: PLATFORMS[platform].exim_library)
        if library is None:
            origin = nearest[0].origin if nearest else root.origin
            context.at_odds(
                "nobody says which TLS library Exim is linked with", origin.span(), "`tls_library: gnutls` or `openssl` (see `exim -bV`)"
            )
            return None
    version = getattr(PLATFORMS[platform], library) if own and platform else None
    if own and platform and name == "exim" and library != PLATFORMS[platform].exim_library:
        own, version = False, None  # a build of the site's own
    layout = _fact("layout", (host_target, target), (platform,), lambda known: PLATFORMS[known].layout)
    keep = next((node.values["keep"] for node in nearest if "keep" in node.values), None)
    accept = next((node.values["accept"] for node in nearest if "accept" in node.values), ())
    return Target(
        name,
        Release(release, _number(release), platform if own else None),
        library,
        version,
        platform,
        layout=layout if name == "exim" else None,
        map_type=_fact("map_type", (host_target, target), (), lambda _: None),
        keep={key: tuple(value for block in blocks for value in block.values) for key, blocks in keep.values.items()} if keep else {},
        accept=tuple(Acceptance(e["id"], tuple(e.get("rules", ())), e["reason"]) for block in accept for e in block.values),
    )


def _fact(key: str, nodes: Sequence[Node | None], platforms: Sequence[str | None], of_platform: Callable[[str], Any]) -> Any:
    """Return the nearest value: release and library go host's target, host's platform, profile's target, profile's platform."""
    steps: list[Any] = []
    for index in range(max(len(nodes), len(platforms))):
        node = nodes[index] if index < len(nodes) else None
        platform = platforms[index] if index < len(platforms) and len(platforms) == len(nodes) else None
        steps.append(value_of(node.leaf(key), None) if node else None)
        steps.append(of_platform(platform) if platform else None)
    if len(platforms) == 1 and platforms[0]:
        steps.append(of_platform(platforms[0]))
    return next((step for step in steps if step is not None), None)


def _number(release: str) -> tuple[int, int, int, int]:
    parts = [int(part) for part in release.split(".")]
    one, two, three, four = (*parts, 0, 0, 0, 0)[:4]
    return one, two, three, four
