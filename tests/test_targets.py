"""Hosts and targets: which place decides on each detail, and what is said where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.samples import HEAD, SERVER, policies, policy, wrong
from tlsconf.platforms import PLATFORMS
from tlsconf.policy import Acceptance, Certificate, Release, Server, Target

if TYPE_CHECKING:
    from pathlib import Path


def target(folder: Path, *texts: str) -> Target:
    (only,) = policy(folder, *texts).targets
    return only


# --- release and library: a host's targets, a host's platform, the profile's targets, the profile's platform ---------

PLACES = {
    "host's targets": "hosts: {{h: {{targets: {{exim: {{{key}: {value}}}}}}}}}\n",
    "host's platform": "hosts: {{h: {{platform: {platform}}}}}\n",
    "profile's targets": "targets: {{exim: {{{key}: {value}}}}}\n",
    "profile's platform": "platform: {platform}\n",
}


def said_in(places: list[str], key: str, values: dict[str, str], platforms: dict[str, str]) -> str:
    """Write a profile whose places say different things."""
    host: list[str] = []
    general: list[str] = []
    for place in places:
        in_target = f"{key}: {values[place]}" if "targets" in place else ""
        part = f"targets: {{exim: {{{in_target}}}}}" if in_target else f"platform: {platforms[place]}"
        (host if "host" in place else general).append(part)
    if not any("targets" in part for part in (*host, *general)):
        general.append("targets: [exim]")
    hosts = [f"hosts: {{h: {{{', '.join(host)}}}}}"] if host else []
    return HEAD + SERVER + "\n".join([*general, *hosts]) + "\n"


@pytest.mark.parametrize("first", range(4))
def test_the_release_comes_from_the_nearest_place(tmp_path: Path, first: int) -> None:
    releases = {"host's targets": '"4.90"', "profile's targets": '"4.92"'}
    platforms = {"host's platform": "debian-12", "profile's platform": "debian-13"}
    places = list(PLACES)[first:]
    found = target(tmp_path, said_in(places, "release", releases, platforms))
    assert found.release.text == ["4.90", "4.96", "4.92", "4.98.2"][first]
    assert found.platform == ("debian-12" if first < 2 else "debian-13")


@pytest.mark.parametrize("first", range(4))
def test_the_library_comes_from_the_nearest_place(tmp_path: Path, first: int) -> None:
    libraries = {"host's targets": "openssl", "profile's targets": "openssl"}
    platforms = {"host's platform": "debian-12", "profile's platform": "debian-13"}
    places = list(PLACES)[first:]
    assert (
        target(tmp_path, said_in(places, "tls_library", libraries, platforms)).tls_library
        == ["openssl", "gnutls", "openssl", "gnutls"][first]
    )


def test_every_other_detail_comes_from_targets_and_only_then_from_a_platform(tmp_path: Path) -> None:
    text = HEAD + SERVER + 'platform: debian-13\ntargets: {exim: {layout: generic, release: "4.98.2"}}\nhosts: {h: {platform: debian-12}}\n'
    found = target(tmp_path, text)
    assert (found.release.text, found.layout, found.platform) == ("4.96", "generic", "debian-12")
    nearer = text.replace("{platform: debian-12}", "{platform: rhel-9, targets: {exim: {layout: debian, tls_library: gnutls}}}")
    assert target(tmp_path, nearer)[2:6] == ("gnutls", None, "rhel-9", "debian")
    assert target(tmp_path, text.replace("layout: generic, ", "")).layout == "debian"


def test_keep_map_type_and_accept_come_from_the_nearest_target(tmp_path: Path) -> None:
    text = (
        HEAD + SERVER + "platform: debian-12\ntargets:\n  postfix:\n    map_type: lmdb\n    keep: {smtpd_client_restrictions: [x]}\n"
        "    accept: [{id: a, reason: r}, {id: b, rules: [c], reason: s}]\n"
    )
    accepted = (Acceptance("a", (), "r"), Acceptance("b", ("c",), "s"))
    assert target(tmp_path, text)[6:] == ("lmdb", {"smtpd_client_restrictions": ("x",)}, accepted)
    assert target(tmp_path, f"{text}hosts: {{h: {{targets: [postfix]}}}}\n")[6:] == (
        "lmdb",
        {"smtpd_client_restrictions": ("x",)},
        accepted,
    )
    own = "{postfix: {map_type: hash, keep: {smtp_tls_policy_maps: [y]}, accept: []}}"
    assert target(tmp_path, f"{text}hosts: {{h: {{targets: {own}}}}}\n")[6:] == ("hash", {"smtp_tls_policy_maps": ("y",)}, ())


def test_keep_and_accept_merge_with_those_of_the_base(tmp_path: Path) -> None:
    base = (
        HEAD + SERVER + "platform: debian-12\ntargets: {postfix: {keep: {smtpd_client_restrictions: [x]}, accept: [{id: a, reason: r}]}}\n"
    )
    over = HEAD + "targets: {postfix: {keep: {smtpd_client_restrictions: {add: [y]}}, accept: {add: [{id: b, reason: s}]}}}\n"
    found = target(tmp_path, base, over)
    assert (found.keep, [item.id for item in found.accept]) == ({"smtpd_client_restrictions": ("x", "y")}, ["a", "b"])


# --- releases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("platform: debian-12\ntargets: [postfix]", Release("3.7.11", (3, 7, 11, 0), "debian-12")),
        ('targets: {postfix: {release: "3.7"}}', Release("3.7", (3, 7, 0, 0), None)),
        ('platform: debian-12\ntargets: {postfix: {release: "3.7"}}', Release("3.7", (3, 7, 0, 0), None)),
        ('platform: debian-12\ntargets: {postfix: {release: "3.7.11"}}', Release("3.7.11", (3, 7, 11, 0), "debian-12")),
        ('platform: debian-12\ntargets: {postfix: {release: "3.7.0"}}', Release("3.7.0", (3, 7, 0, 0), None)),
        ("platform: debian-12\ntargets: [sendmail]", Release("8.17.1.9", (8, 17, 1, 9), "debian-12")),
        ('platform: debian-12\ntargets: {sendmail: {release: "8.17.1"}}', Release("8.17.1", (8, 17, 1, 0), None)),
    ],
)
def test_two_numbers_mean_the_lowest_patch_level_and_a_platform_s_own_release_is_known_as_such(
    tmp_path: Path, text: str, release: Release
) -> None:
    found = target(tmp_path, f"{HEAD}{SERVER}{text}\n")
    assert found.release == release
    assert (found.tls_library_version is not None) is (release.platform is not None)


def test_another_library_than_the_platform_s_makes_it_a_build_of_the_site_s_own(tmp_path: Path) -> None:
    found = target(tmp_path, f"{HEAD}{SERVER}platform: debian-12\ntargets: {{exim: {{tls_library: openssl}}}}\n")
    assert (found.release.platform, found.tls_library, found.tls_library_version) == (None, "openssl", None)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("server", ["postfix", "exim", "sendmail"])
def test_a_platform_has_a_release_or_the_known_ones_are_listed(tmp_path: Path, name: str, server: str) -> None:
    text = f"{HEAD}{SERVER}platform: {name}\ntargets: [{server}]\n"
    expected = getattr(PLATFORMS[name], server)
    if expected is None:
        (said,) = wrong(tmp_path, text)
        assert said.startswith(
            f"1.yaml:5:11: no release of {server} is given (`release` in `targets.{server}`, or a `platform` that has one; known: "
        )
        assert all(f"{getattr(platform, server)} ({key})" in said for key, platform in PLATFORMS.items() if getattr(platform, server))
    else:
        found = target(tmp_path, text)
        assert (found.release.text, found.release.platform) == (expected, name)
        library = PLATFORMS[name].exim_library if server == "exim" else "openssl"
        assert (found.tls_library, found.tls_library_version) == (library, getattr(PLATFORMS[name], library))


def test_no_release_from_anywhere_is_an_error_for_each_target(tmp_path: Path) -> None:
    said = wrong(tmp_path, f"{HEAD}{SERVER}targets:\n  postfix:\n  exim: {{release: '4.96'}}\n")
    assert [line.partition(" (")[0] for line in said] == [
        "1.yaml:5:11: no release of postfix is given",
        "1.yaml:6:9: nobody says which TLS library Exim is linked with",
    ]


@pytest.mark.parametrize("release", ["3", "3.7.1.2.3", "v3.7", "3.7-1", "3..7", "latest", ""])
def test_a_release_is_two_to_four_numbers(tmp_path: Path, release: str) -> None:
    (said,) = wrong(tmp_path, f"{HEAD}{SERVER}targets: {{postfix: {{release: '{release}'}}}}\n")
    assert said.endswith('(numbers such as "3.7" or "3.7.11")')


# --- hosts -----------------------------------------------------------------------------------------------------------

HOSTS = """\
platform: debian-12
targets: [postfix, exim]
server: {hostname: mx.example.com, certificates: [{chain: "/c/{hostname}.pem", key: /k.pem}]}
hosts:
  mx1: {}
  mx2: {hostname: b.example.com, platform: debian-13, targets: [sendmail]}
  mx3: {certificates: [{chain: "/own/{hostname}.pem", key: "/own/{hostname}.key"}, {chain: /x, key: /y}]}
"""


def test_each_host_has_a_policy_and_overrides_server_platform_and_targets(tmp_path: Path) -> None:
    found = policies(tmp_path, HEAD + HOSTS)
    assert [(item.host, item.server.hostname, [(t.name, t.release.text) for t in item.targets]) for item in found] == [
        ("mx1", "mx.example.com", [("postfix", "3.7.11"), ("exim", "4.96")]),
        ("mx2", "b.example.com", [("sendmail", "8.18.1")]),
        ("mx3", "mx.example.com", [("postfix", "3.7.11"), ("exim", "4.96")]),
    ]
    assert [item.server.certificates[0].chain for item in found] == [
        "/c/mx.example.com.pem",
        "/c/b.example.com.pem",
        "/own/mx.example.com.pem",
    ]
    assert found[2].server == Server(
        "mx.example.com", (Certificate("/own/mx.example.com.pem", "/own/mx.example.com.key"), Certificate("/x", "/y"))
    )


@pytest.mark.parametrize("name", ["mx", "targets", "rules", "lists", "keep", "hosts", "clients"])
def test_a_host_may_be_called_like_a_key_of_the_language(tmp_path: Path, name: str) -> None:
    (found,) = policies(tmp_path, HEAD + HOSTS.partition("hosts:")[0] + f"hosts: {{{name}: {{hostname: own.example.com}}}}\n")
    assert (found.host, found.server.hostname) == (name, "own.example.com")


def test_an_overlay_adds_hosts_and_changes_them_key_by_key(tmp_path: Path) -> None:
    over = HEAD + "hosts: {mx2: {hostname: c.example.com}, mx4: {platform: debian-14}}\n"
    found = {item.host: item for item in policies(tmp_path, HEAD + HOSTS, over)}
    assert list(found) == ["mx1", "mx2", "mx3", "mx4"]
    assert (found["mx2"].server.hostname, found["mx2"].targets[0].release.text) == ("c.example.com", "8.18.1")


@pytest.mark.parametrize("text", ["hosts: {}\n", ""])
def test_without_hosts_there_is_one_policy_without_a_host(tmp_path: Path, text: str) -> None:
    (found,) = policies(tmp_path, HEAD + HOSTS.partition("hosts:")[0] + text)
    assert found.host is None


# --- paths -----------------------------------------------------------------------------------------------------------

PATH = "(an absolute path of ASCII letters, digits and . _ @ + = ~ % - /)"


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (
            '{certificates: [{chain: "/c/{hostname}", key: /k}]}',
            "`/c/{hostname}` is no path: `{hostname}` has no value: it is for paths of `server` and `hosts`, beside a `hostname` " + PATH,
        ),
        (
            '{hostname: a.b, certificates: [{chain: "/c/{name}", key: /k}]}',
            "`/c/{name}` is no path: `{hostname}` is the one placeholder " + PATH,
        ),
        (
            "{hostname: '*.a.b', certificates: [{chain: /c, key: /k}]}",
            "`*.a.b` is no host name: a wildcard names many hosts (a name such as mx.example.com)",
        ),
        ("{hostname: a.b, certificates: [{chain: c.pem, key: /k}]}", f"`c.pem` is no path {PATH}"),
        ("{hostname: a.b, certificates: [{chain: /c, key: /k$HOME}]}", f"`/k$HOME` is no path {PATH}"),
        ('{hostname: a.b, certificates: [{chain: /c, key: "/k\\n"}]}', f"`/k…` is no path {PATH}"),
    ],
)
def test_paths_and_names_of_the_server_are_judged_at_their_place(tmp_path: Path, server: str, said: str) -> None:
    (line,) = wrong(tmp_path, f"{HEAD}platform: debian-12\ntargets: [postfix]\nserver: {server}\n")
    assert line.partition(": ")[2] == said


@pytest.mark.parametrize("length", [1, 400])
@pytest.mark.parametrize("part", ["chain", "key"])
def test_pem_text_is_refused_and_not_shown(tmp_path: Path, part: str, length: int) -> None:
    inner = "MIIEvQIBADANBgkqhkiG9w0B"
    lines = ["-----BEGIN PRIVATE KEY-----", *[inner] * length, "-----END PRIVATE KEY-----"]
    pem = "".join(f"      {line}\n" for line in lines)
    other = {"chain": "key", "key": "chain"}[part]
    text = f"server:\n  certificates:\n  - {other}: /k\n    {part}: |\n{pem}"
    (line,) = wrong(tmp_path, f"{HEAD}platform: debian-12\ntargets: [postfix]\n{text}")
    assert line.startswith("1.yaml:8:")
    assert "PEM text" in line
    assert inner not in line
