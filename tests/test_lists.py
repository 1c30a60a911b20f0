"""Lists: by name, from files, inline, and in all their mixtures; every mistake in them at its place."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.samples import HEAD, WHOLE, policies, policy, wrong
from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from pathlib import Path

PATTERN = "(a name such as `example.com`, or `*.` and a name for all its subdomains)"
NETWORK = '(an address or a network, such as 192.0.2.0/24 or "2001:db8::/32")'
HOP = '("[host]" or "[host]:port")'


def outbound(domains: str, **more: str) -> str:
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{WHOLE}outbound: {{rules: [{{name: a, tls: required, domains: {domains}{extra}}}]}}\n"


def domains_of(folder: Path, text: str, **files: str | bytes) -> tuple[str, ...]:
    return policy(folder, text, **files).outbound.rules[0].domains


# --- references ------------------------------------------------------------------------------------------------------


def test_entries_come_from_the_list_itself_from_named_lists_and_from_files(tmp_path: Path) -> None:
    text = outbound("[a.example, {list: l}, {file: partners.txt}, b.example]") + "lists: {l: [c.example, {file: more.txt}, d.example]}\n"
    found = domains_of(tmp_path, text, partners="e.example\n", more="f.example\n")
    assert found == ("a.example", "c.example", "f.example", "d.example", "e.example", "b.example")


def test_one_list_serves_rules_of_both_directions(tmp_path: Path) -> None:
    text = outbound("[{list: l}]") + "lists: {l: [a.example]}\ninbound: {rules: [{name: a, senders: [{list: l}], tls: required}]}\n"
    found = policy(tmp_path, text)
    assert (found.outbound.rules[0].domains, found.inbound.rules[0].senders) == (("a.example",), ("a.example",))


def test_lists_of_addresses_and_of_next_hops(tmp_path: Path) -> None:
    text = (
        f"{WHOLE}lists: {{n: [192.0.2.0/24, {{file: nets.txt}}], h: ['[a.example]']}}\n"
        "inbound: {exempt_clients: [{list: n}], rules: [{name: a, clients: [{list: n}, '::1'], tls: required}]}\n"
        "outbound: {rules: [{name: a, next_hops: [{list: h}, {file: hops.txt}], tls: none}]}\n"
    )
    found = policy(tmp_path, text, nets="2001:db8::/32\n192.0.2.0/24\n", hops="[192.0.2.1]:587\n")
    assert [str(network) for network in found.inbound.exempt_clients] == ["192.0.2.0/24", "2001:db8::/32"]
    assert [str(network) for network in found.inbound.rules[0].clients] == ["192.0.2.0/24", "2001:db8::/32", "::1/128"]
    assert found.outbound.rules[0].next_hops == (NextHop("a.example", 25), NextHop("192.0.2.1", 587))


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("[{list: cntral}]", "1.yaml:6:62: there is no list `cntral` (did you mean `central`?)"),
        ("[{list: x}]", "1.yaml:6:62: there is no list `x` (one of central, other)"),
        ("[{}]", "1.yaml:6:55: a reference has one key (`list: NAME` or `file: PATH`)"),
        ("[{list: central, file: f}]", "1.yaml:6:55: a reference has one key (`list: NAME` or `file: PATH`)"),
        ("[{list: other}]", "1.yaml:7:39: a list can't name another list (entries, or `file: PATH`)"),
    ],
)
def test_references_that_lead_nowhere(tmp_path: Path, items: str, said: str) -> None:
    assert wrong(tmp_path, outbound(items) + "lists: {central: [a.example], other: [{list: central}]}\n")[0] == said


def test_a_list_that_is_not_there_is_told_beside_other_mistakes(tmp_path: Path) -> None:
    text = outbound("[{list: x}]").replace("name: sample\n", "")
    assert [line.partition(" (")[0] for line in wrong(tmp_path, text)] == [
        "1.yaml:1:1: `name` is missing",
        "1.yaml:5:62: there is no list `x`",
    ]


def test_a_list_that_nobody_uses_is_looked_at_too(tmp_path: Path) -> None:
    assert policy(tmp_path, f"{WHOLE}lists: {{l: [a.example, '*.b.example', 192.0.2.0/24, '::1']}}\n")
    assert wrong(tmp_path, f"{WHOLE}lists: {{l: [a b, {{file: f.txt}}]}}\n", f="-\n") == [
        f"1.yaml:6:13: `a b` is neither a domain nor an address {PATTERN}",
        f"f.txt:1:1: `-` is neither a domain nor an address {PATTERN}",
    ]


def test_an_entry_of_a_mixed_list_keeps_its_place(tmp_path: Path) -> None:
    text = outbound("[a.example, {list: l}, b c]") + "lists:\n  l:\n    - d.example\n    - {file: f.txt}\n    - e f\n"
    assert [line.partition(": ")[0] for line in wrong(tmp_path, text, f="g.example\nh i\n")] == ["1.yaml:6:77", "1.yaml:11:7", "f.txt:2:1"]


# --- list files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"a.example\n*.b.example\n",
        b"a.example\n*.b.example",
        b"\xef\xbb\xbfa.example\n*.b.example\n",
        b"a.example\r\n*.b.example\r\n",
        b"a.example\r*.b.example\r",
        b"# who\n\n  a.example\t# since 2024\n\n#x\n*.b.example#y\n   \n",
        b"A.example\n*.B.EXAMPLE\na.example\n",
    ],
)
def test_a_list_file_has_one_entry_a_line_and_comments(tmp_path: Path, content: bytes) -> None:
    assert domains_of(tmp_path, outbound("[{file: f.txt}]"), f=content) == ("a.example", "*.b.example")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"a.example\n\n# x\n  b@c.example # y\n",
            f"f.txt:4:1: `b@c.example` is no domain pattern: it has a local part; did you mean `c.example`? {PATTERN}",
        ),
        (b"a.example\r\n.gov.uk\r\n", f"f.txt:2:1: `.gov.uk` is no domain pattern: did you mean `*.gov.uk`? {PATTERN}"),
        (b"a.example b.example\n", f"f.txt:1:1: `a.example b.example` is no domain pattern {PATTERN}"),
        (b"a.example\ncaf\xe9.example\n", "f.txt:2:4: byte 0xe9 is not UTF-8 (a text file in UTF-8)"),
        (b"\x1f\x8b\x08\x00gzip", "f.txt:1:2: byte 0x8b is not UTF-8 (a text file in UTF-8)"),
        (b"a\x00b\n", "f.txt:1:2: the character U+0000 is not allowed (a text file in UTF-8)"),
        (b"x" * 10_000_000, f"f.txt:1:1: `{'x' * 57}…` is no domain pattern {PATTERN}"),
        ("ü".encode() * 5_000_000, f"f.txt:1:1: `{'ü' * 57}…` is no domain pattern {PATTERN}"),
        (b"#" * (16 * 1024 * 1024 + 1), "f.txt:1:1: the file is too long (16777216 bytes at the most)"),
    ],
)
def test_mistakes_in_a_list_file_have_file_line_and_column(tmp_path: Path, content: bytes, said: str) -> None:
    start = time.perf_counter()
    assert wrong(tmp_path, outbound("[{file: f.txt}]"), f=content)[-1] == said
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("none.txt", "No such file or directory"),
        (".", "it is no regular file"),
        ("pipe", "it is no regular file"),
        ("/dev/zero", "it is no regular file"),
        ("/dev/stdin", "it is no regular file"),
        ("1.yaml/x", "Not a directory"),
        ('"a\\0b"', "a NUL is in the name"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_list_file_that_can_t_be_read_is_said_where_it_is_named(tmp_path: Path, file: str, reason: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (said,) = wrong(tmp_path, outbound(f"[{{file: {file}}}]"))
    assert said.startswith("1.yaml:6:62: the list file `")
    assert said.endswith(f"can't be read: {reason} (a text file beside this profile)")


def test_a_file_that_is_named_twice_is_read_and_complained_of_once(tmp_path: Path) -> None:
    text = f"{WHOLE}outbound: {{rules: [{{name: a, tls: none, domains: [{{file: f.txt}}]}}]}}\n"
    text += "inbound: {rules: [{name: a, tls: required, senders: [{file: f.txt}]}]}\n"
    assert wrong(tmp_path, text, f="a b\n") == [f"f.txt:1:1: `a b` is no domain pattern {PATTERN}"]


@pytest.mark.parametrize("content", ["", "# nobody yet\n", "\n\n"])
def test_an_empty_file_names_nobody_and_that_is_noted(tmp_path: Path, content: str) -> None:
    from tlsconf.resolve import resolve

    text = outbound("[{file: f.txt}]") + "inbound: {rules: [{name: b, tls: required, senders: [{file: f.txt}]}]}\n"
    assert policies(tmp_path, text, f=content)[0].outbound.rules == ()
    assert [note.replace(f"{tmp_path}/", "") for note in resolve(str(tmp_path / "1.yaml")).notes] == [
        "the rule `a` (1.yaml:6) is for nobody: its lists are empty, or other rules take over all that is in them",
        "the rule `b` (1.yaml:7) is for nobody: its lists are empty, or other rules take over all that is in them",
    ]


# --- each kind of entry ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (outbound("[a b]"), f"1.yaml:6:55: `a b` is no domain pattern {PATTERN}"),
        (outbound("[a.example]", mx="['*']", verify="hostname"), f"1.yaml:6:72: `*` is no domain pattern {PATTERN}"),
        (
            f"{WHOLE}outbound: {{rules: [{{name: a, tls: none, next_hops: [relay.example]}}]}}\n",
            f"1.yaml:6:53: `relay.example` is no next hop: without brackets it would be a domain, whose MX is looked up {HOP}",
        ),
        (
            f"{WHOLE}inbound: {{rules: [{{name: a, tls: required, clients: [192.0.2.1/24]}}]}}\n",
            f"1.yaml:6:54: `192.0.2.1/24` is no address: bits are set behind the prefix; did you mean `192.0.2.0/24`? {NETWORK}",
        ),
        (f"{WHOLE}inbound: {{exempt_clients: [localhost]}}\n", f"1.yaml:6:28: `localhost` is no address {NETWORK}"),
        (
            f"{WHOLE}inbound: {{rules: [{{name: a, tls: required, senders: [a@b.example]}}]}}\n",
            f"1.yaml:6:54: `a@b.example` is no domain pattern: it has a local part; did you mean `b.example`? {PATTERN}",
        ),
    ],
)
def test_every_kind_of_entry_is_judged_at_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert wrong(tmp_path, text) == [said]


def test_u_labels_become_a_labels_everywhere(tmp_path: Path) -> None:
    text = (
        f"{HEAD}platform: debian-12\ntargets: [postfix]\n"
        "server: {hostname: mx.bücher.example, certificates: [{chain: '/c/{hostname}', key: /k}]}\n"
        "outbound: {smarthost: '[bücher.example]', rules: [{name: b, tls: required, verify: hostname, mx: ['*.bücher.example'],"
        " next_hops: ['[bücher.example]']}]}\n"
        "inbound: {rules: [{name: a, senders: ['*.BÜCHER.example'], tls: required}]}\n"
    )
    found = policy(tmp_path, text)
    name = "xn--bcher-kva.example"
    assert (found.server.hostname, found.server.certificates[0].chain) == (f"mx.{name}", f"/c/mx.{name}")
    assert (found.outbound.smarthost, found.outbound.rules[0].mx) == (NextHop(name, 25), (f"*.{name}",))
    assert found.outbound.rules[0].next_hops == (NextHop(name, 25),)
    assert found.inbound.rules[0].senders == (f"*.{name}",)


def test_a_hundred_thousand_names_are_read_at_once(tmp_path: Path) -> None:
    names = "".join(f"mail{number}.example{number % 977}.org\n" for number in range(100_000))
    start = time.perf_counter()
    assert len(domains_of(tmp_path, outbound("[{file: f.txt}]"), f=names)) == 100_000
    assert time.perf_counter() - start < 2


def test_a_hundred_thousand_mistakes_are_found_at_once(tmp_path: Path) -> None:
    start = time.perf_counter()
    assert len(wrong(tmp_path, outbound("[{file: f.txt}]"), f="a@b.example\n" * 100_000)) == 100_000
    assert time.perf_counter() - start < 20
