"""The language as a file says it: what fits, what does not, and the same as JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.samples import HEAD, line
from tlsconf import document, profile, resources
from tlsconf.mta import NAMES
from tlsconf.platforms import PLATFORMS
from tlsconf.policy import Level, OnPlaintext, Verify
from tlsconf.tls import VERSIONS

ROOT = Path(__file__).parent.parent
HERE = Path()
FILES = sorted([*resources.PROFILES.glob("*.yaml"), *ROOT.glob("examples/**/*.yaml"), *ROOT.glob("tests/golden/*/profile.yaml")])
PROFILES = [path for path in FILES if "\ntlsconf: 1\n" in path.read_text()]  # not those that belong to other programs
DESIGN = (Path(__file__).parent / "design" / "profile.yaml").read_text()
SCHEMA = Draft202012Validator(profile.json_schema())


def check(text: str) -> tuple[Any, list[str]]:
    """Return a document's data without what is wrong, and what is wrong."""
    found: list[Any] = []
    read = profile.check(document.load("p", HERE / "p", text.encode(), found), found)
    return read.data, [line(finding, HERE) for finding in found]


def said(text: str) -> list[str]:
    return check(HEAD + text)[1]


def fits_schema(text: str) -> bool:
    return SCHEMA.is_valid(YAML(typ="safe").load(HEAD + text))


# --- the words -------------------------------------------------------------------------------------------------------


def test_the_words_of_the_language_are_those_of_the_code_behind_it() -> None:
    assert get_args(profile.VersionName) == tuple(VERSIONS)
    assert get_args(profile.LevelName) == tuple(Level)
    assert get_args(profile.VerifyName) == tuple(Verify)
    assert get_args(profile.TargetName) == NAMES
    assert get_args(profile.PlatformName) == tuple(PLATFORMS)
    assert get_args(profile.InboundRulePart.model_fields["on_plaintext"].annotation) == tuple(OnPlaintext)


def test_the_example_of_the_design_fits() -> None:
    assert check(DESIGN) == (YAML(typ="safe").load(DESIGN), [])


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_shipped_fits_the_language_and_its_schema(path: Path) -> None:
    assert check(path.read_text())[1] == []
    assert [error.message for error in SCHEMA.iter_errors(YAML(typ="safe").load(path.read_text()))] == []


@pytest.mark.parametrize(
    "text",
    [
        "targets: [postfix, exim]\n",
        "targets: {postfix: null, exim: {}}\n",
        'targets: {postfix: {release: "3.7", map_type: lmdb, keep: {smtpd_client_restrictions: {add: [x]}}}}\n',
        'targets: {exim: {release: "4.96.1", tls_library: openssl, layout: generic}}\n',
        'targets: {sendmail: {release: "8.17.1.9", accept: [{id: x, reason: y}, {id: x, rules: [a], reason: y}]}}\n',
        "targets: {exim: {accept: {add: [{id: x, reason: y}], remove: [{id: z, reason: y}]}}}\n",
        "server: {hostname: mx.example, certificates: {add: [{chain: /c, key: /k}]}}\n",
        "hosts: {mx1: {hostname: a.example, platform: freebsd, targets: [exim], certificates: []}, mx.2: {}}\n",
        "tls: {minimum_version: TLSv1.0, cipher_suites: {remove: [x]}, groups: [x], opportunistic: {prefer_server_order: false}}\n",
        "lists: {a: [x, {file: f}], b: {add: [x]}}\n",
        "outbound: {smarthost: null, tls: none, verify: none, trust_anchors: /x, rules: []}\n",
        "outbound: {rules: [{name: a, remove: true}, {name: b, domains: [{list: l}, {file: f}], tls: required, mx: [x]}]}\n",
        "inbound: {tls: required, exempt_clients: [x], rules: [{name: a, clients: {add: [x]}, tls: required, on_plaintext: defer}]}\n",
        'description: ""\n',
    ],
)
def test_every_form_that_the_language_knows(text: str) -> None:
    assert said(text) == []
    assert fits_schema(text)


# --- strictness ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("description: 1\n", "p:3:14: `1` does not fit `description` (text: put it between quotes)"),
        ("description: 2024-01-01\n", "p:3:14: `2024-01-01` does not fit `description` (text: put it between quotes)"),
        ("description: null\n", "p:3:14: nothing does not fit `description` (text)"),
        ("description: [a]\n", "p:3:14: a list does not fit `description` (text)"),
        ("extends: ''\n", "p:3:10: `` does not fit `extends` (text that is not empty)"),
        ("server:\n", "p:3:8: nothing does not fit `server` (a mapping)"),
        ("server: x\n", "p:3:9: `x` does not fit `server` (a mapping)"),
        ("hosts: [a]\n", "p:3:8: a list does not fit `hosts` (a mapping)"),
        ("hosts: {MX1: {}}\n", "p:3:9: `MX1` does not fit `hosts` (small letters, digits, `-` and `.`)"),
        ("targets: postfix\n", "p:3:10: `postfix` does not fit `targets` (a list)"),
        ("targets: {postfix: {release: 3.10}}\n", "p:3:30: `3.1` does not fit `targets.postfix.release` (text: put it between quotes)"),
        (
            'targets: {postfix: {release: "three"}}\n',
            'p:3:30: `three` does not fit `targets.postfix.release` (numbers such as "3.7" or "3.7.11")',
        ),
        (
            'targets: {exim: {release: "4.96\\n"}}\n',
            'p:3:27: `4.96…` does not fit `targets.exim.release` (numbers such as "3.7" or "3.7.11")',
        ),
        ("tls: {prefer_server_order: yes}\n", "p:3:28: `yes` does not fit `tls.prefer_server_order` (`true` or `false`)"),
        ("tls: {prefer_server_order: 1}\n", "p:3:28: `1` does not fit `tls.prefer_server_order` (`true` or `false`)"),
        (
            "tls: {minimum_version: 1.2}\n",
            "p:3:24: `1.2` does not fit `tls.minimum_version` (one of `TLSv1.0`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`; did you mean `TLSv1.2`?)",
        ),
        (
            "tls: {minimum_version: TLSv1.4}\n",
            (
                "p:3:24: `TLSv1.4` does not fit `tls.minimum_version` "
                "(one of `TLSv1.0`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`; did you mean `TLSv1.3`?)"
            ),
        ),
        (
            "outbound: {tls: no}\n",
            "p:3:17: `no` does not fit `outbound.tls` (one of `none`, `opportunistic`, `required`; did you mean `none`?)",
        ),
        ("outbound: {verify: true}\n", "p:3:20: `true` does not fit `outbound.verify` (one of `none`, `hostname`, `dane`)"),
        ("outbound: {rules: {name: a}}\n", "p:3:19: a mapping does not fit `outbound.rules` (a list)"),
        ("outbound: {rules: [{name: a, domains: b.example}]}\n", "p:3:39: `b.example` does not fit `outbound.rules[0].domains` (a list)"),
        (
            "outbound: {rules: [{name: a, domains: [25]}]}\n",
            "p:3:40: `25` does not fit `outbound.rules[0].domains[0]` (text: put it between quotes)",
        ),
        ("outbound: {rules: [{name: a, remove: 1}]}\n", "p:3:38: `1` does not fit `outbound.rules[0].remove` (`true`)"),
        ("outbound: {rules: [{name: a, remove: false}]}\n", "p:3:38: `false` does not fit `outbound.rules[0].remove` (`true`)"),
        ("outbound: {rules: [{name: A b}]}\n", "p:3:27: `A b` does not fit `outbound.rules[0].name` (small letters, digits and `-`)"),
        ("outbound: {rules: [{tls: none}]}\n", "p:3:20: `name` is missing (the key `name`)"),
        (
            "inbound: {rules: [{name: a, clients: [x], tls: opportunistic}]}\n",
            "p:3:48: `opportunistic` does not fit `inbound.rules[0].tls` (`required`)",
        ),
        ("lists: {1: [a]}\n", "p:3:9: `1` does not fit `lists` (text: put it between quotes)"),
        ("1: a\n", "p:3:1: the key `1` is no text (a word: put it between quotes)"),
        ("~: a\n", "p:3:1: the key nothing is no text (a word: put it between quotes)"),
        ("? [a]\n: b\n", "p:3:3: the key `('a',)` is no text (a word: put it between quotes)"),
        ("targets: {sendmail: {accept: [{id: x}]}}\n", "p:3:31: `reason` is missing (the key `reason`)"),
    ],
)
def test_wrong_types_and_yaml_surprises_are_said_at_their_place(text: str, complaint: str) -> None:
    assert said(text) == [complaint]
    if not text.startswith(("1", "~", "?", "lists")) and "\\n" not in text:  # JSON has no such keys, and `$` of Python's `re` is laxer
        assert not fits_schema(text)


@pytest.mark.parametrize("value", ["2", "true", "1.0", '"1"', "null", "0x" + "f" * 6000])
def test_the_version_of_the_language_is_the_number_one(value: str) -> None:
    (complaint,) = check(f"tlsconf: {value}\nname: a\n")[1]
    assert complaint.startswith("p:1:10: ")
    assert "does not fit `tlsconf`" in complaint


def test_version_and_name_are_required() -> None:
    assert check("description: a\n")[1] == ["p:1:1: `tlsconf` is missing (the key `tlsconf`)", "p:1:1: `name` is missing (the key `name`)"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("descripton: a\n", "p:3:1: unknown key `descripton` (did you mean `description`?)"),
        ("outbound: {tsl: none}\n", "p:3:12: unknown key `tsl` (did you mean `tls`?)"),
        ("outbound: {foo: 1}\n", "p:3:12: unknown key `foo` (one of rules, smarthost, tls, trust_anchors, verify)"),
        ("outbound: {rules: [{name: a, domain: x}]}\n", "p:3:30: unknown key `domain` (did you mean `domains`?)"),
        ("inbound: {rules: [{name: a, sender: x}]}\n", "p:3:29: unknown key `sender` (did you mean `senders`?)"),
        ("hosts: {a: {hostnam: b}}\n", "p:3:13: unknown key `hostnam` (did you mean `hostname`?)"),
        ("targets: {postfixx: {}}\n", "p:3:11: unknown key `postfixx` (did you mean `postfix`?)"),
        ("targets: {postfix: {layout: debian}}\n", "p:3:21: unknown key `layout` (one of accept, keep, map_type, release)"),
        (
            "tls: {opportunistic: {opportunistic: {}}}\n",
            "p:3:23: unknown key `opportunistic` (one of cipher_suites, groups, minimum_version, prefer_server_order)",
        ),
        ("lists: {a: {remove: [], ad: []}}\n", "p:3:25: unknown key `ad` (did you mean `add`?)"),
        ("lists: {a: [{lst: b}]}\n", "p:3:14: unknown key `lst` (did you mean `list`?)"),
        ("server: {certificates: [{chain: /c, key: /k, ca: /a}]}\n", "p:3:46: unknown key `ca` (one of chain, key)"),
        (
            f"? {'x' * 5000}\n: 1\n",
            (
                f"p:3:3: unknown key `{'x' * 57}…` "
                "(one of description, exceptions, extends, hosts, inbound, lists, name, outbound, overlays, platform, server, targets, "
                "tls, tlsconf)"
            ),
        ),
    ],
)
def test_unknown_keys_are_answered_with_a_near_one_or_all(text: str, complaint: str) -> None:
    assert said(text) == [complaint]
    assert not fits_schema(text)


@pytest.mark.parametrize("word", ["submission", "sni", "client_certificates", "mta_sts", "publication"])
@pytest.mark.parametrize("where", ["{}", "inbound: {{{}}}", "outbound: {{rules: [{{name: a, {}}}]}}"])
def test_reserved_words_are_not_in_version_1(word: str, where: str) -> None:
    (complaint,) = said(where.format(f"{word}: {{a: b}}") + "\n")
    assert complaint.partition(": ")[2] == f"`{word}` is not in version 1 of the language (nothing here until a later version)"


@pytest.mark.parametrize("key", ["~", "1", "1.5", "true", "2024-01-01", "? [a]\n", "null"])
def test_a_key_that_is_no_text_is_left_out_with_what_it_holds(key: str) -> None:
    data, complaints = check(f"tlsconf: 1\nname: a\n{key}: {{rules: 1}}\n")
    assert (data, len(complaints)) == ({"tlsconf": 1, "name": "a"}, 1)


def test_all_mistakes_of_a_file_are_told_and_left_out_and_the_rest_stays_in_its_place() -> None:
    data, complaints = check(
        "tlsconf: 1\nname: Bad\nfoo: 1\ntargets: [postfix, postfx, exim]\nlists: {a: [x, 5, {fil: y}, z], B: [x]}\n"
        "outbound:\n  tls: no\n  rules:\n    - {name: one, tls: requird, domains: [a]}\n    - {tls: none}\n    - {name: 7, tls: none}\n"
        "server: {certificates: [{chain: 1, key: /k}, {chain: /c, key: /k}], hostname: [h]}\n"
    )
    assert data == {
        "tlsconf": 1,
        "targets": ["postfix", None, "exim"],
        "lists": {"a": ["x", None, {}, "z"]},
        "outbound": {"rules": [{"name": "one", "domains": ["a"]}, None, None]},
        "server": {"certificates": [None, {"chain": "/c", "key": "/k"}]},
    }
    places = sorted((complaint.partition(": ")[0] for complaint in complaints), key=lambda place: [int(n) for n in place.split(":")[1:]])
    assert places == [
        "p:2:7", "p:3:1", "p:4:20", "p:5:16", "p:5:20", "p:5:33", "p:7:8", "p:9:24", "p:10:7", "p:11:14", "p:12:33", "p:12:79",
    ]  # fmt: skip


# --- as JSON Schema --------------------------------------------------------------------------------------------------


def test_the_schema_is_a_schema_and_plain_json() -> None:
    Draft202012Validator.check_schema(profile.json_schema())
    assert json.loads(json.dumps(profile.json_schema())) == profile.json_schema()


def objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, dict):
        own = [schema] if "properties" in schema else []
        return own + [found for value in schema.values() for found in objects(value)]
    return [found for item in schema for found in objects(item)] if isinstance(schema, list) else []


def test_no_object_of_the_schema_takes_unknown_keys_and_every_key_is_described() -> None:
    assert [schema["title"] for schema in objects(profile.json_schema()) if schema.get("additionalProperties") is not False] == []
    keys = {(schema["title"], key): value for schema in objects(profile.json_schema()) for key, value in schema["properties"].items()}
    assert [where for where, value in keys.items() if not value.get("description") and "$ref" not in value] == []


@pytest.mark.parametrize("text", ["lists: {a: [{}]}\n", "lists: {a: [{list: b, file: c}]}\n", "lists: {A: [b]}\n", "hosts: {A: {}}\n"])
def test_the_schema_is_as_strict_about_names_and_references(text: str) -> None:
    assert not fits_schema(text)


def test_the_schema_takes_the_example_of_the_design() -> None:
    assert [error.message for error in SCHEMA.iter_errors(YAML(typ="safe").load(DESIGN))] == []
