"""What comes out when profiles are laid over one another, and who said what of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsconf import document
from tlsconf.merge import Leaf, Node, merge


def lay(*texts: str) -> tuple[Any, dict[str, str], list[str]]:
    """Merge texts, the lowest first, and return the data, `FILE:LINE` of each value or entry by its path, and what is wrong."""
    findings: list[Any] = []
    documents = [document.load(name, Path(name), text.encode(), findings) for name, text in zip("abcdefg", texts, strict=False)]
    root = merge(documents, findings)
    origins: dict[str, str] = {}
    data = flatten(root, "", origins)
    return data, origins, [f"{finding.span.file}:{finding.span.line}:{finding.span.column}: {finding.message}" for finding in findings]


def flatten(value: Any, path: str, origins: dict[str, str]) -> Any:
    if isinstance(value, Node):
        return {key: flatten(inner, f"{path}.{key}".lstrip("."), origins) for key, inner in value.values.items()}
    if isinstance(value, Leaf):
        origins[path] = str(value.origin)
        return value.value
    entries = [entry for block in value for entry in block.entries()]
    origins |= {f"{path}[{entry}]": str(origin) for entry, origin in entries}
    return [entry for entry, _ in entries]


def rules(*names: str) -> str:
    return "outbound:\n  rules:\n" + "".join(f"    - {{name: {name}, tls: none, domains: [{name}.example]}}\n" for name in names)


def test_mappings_merge_key_by_key_and_know_who_said_what() -> None:
    data, origins, wrong = lay("name: a\nserver:\n  hostname: mx\noutbound: {tls: none}\n", "name: b\noutbound:\n  verify: dane\n")
    assert data == {"name": "b", "server": {"hostname": "mx"}, "outbound": {"tls": "none", "verify": "dane"}}
    assert origins == {"name": "b:1", "server.hostname": "a:3", "outbound.tls": "a:4", "outbound.verify": "b:3"}
    assert wrong == []


def test_a_value_of_nothing_takes_the_base_s_back() -> None:
    data, _, _ = lay('outbound: {smarthost: "[relay.example]"}\n', "outbound: {smarthost: null}\n")
    assert data == {"outbound": {"smarthost": None}}


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ("[z]", ["z"]),
        ("[]", []),
        ("{add: [z]}", ["x", "y", "z"]),
        ("{remove: [x]}", ["y"]),
        ("{remove: [x, y]}", []),
        ("{remove: [x], add: [z, x]}", ["y", "z", "x"]),
        ("{}", ["x", "y"]),
    ],
)
@pytest.mark.parametrize("key", ["tls.groups", "lists.any", "server.certificates", "targets.postfix.keep.smtp_tls_policy_maps"])
def test_lists_merge_whole_or_by_what_is_added_and_removed(key: str, change: str, result: list[str]) -> None:
    head = ": {".join(key.split("."))
    tail = "}" * key.count(".")
    data, _, wrong = lay(f"{head}: [x, y]{tail}\n", f"{head}: {change}{tail}\n")
    for step in key.split("."):
        data = data[step]
    assert (data, wrong) == (result, [])


def test_entries_keep_their_origins_through_three_files() -> None:
    _, origins, _ = lay("lists:\n  l:\n  - x\n  - y\n  - w\n", "lists: {l: {add: [z]}}\n", "\nlists: {l: {remove: [x], add: [v]}}\n")
    assert origins == {"lists.l[y]": "a:4", "lists.l[w]": "a:5", "lists.l[z]": "b:1", "lists.l[v]": "c:2"}


def test_an_entry_may_be_a_reference_and_is_removed_as_it_is_spelt() -> None:
    data, _, wrong = lay("lists: {l: [x, {file: f.txt}]}\n", "lists: {l: {remove: [{file: f.txt}]}}\n")
    assert (data, wrong) == ({"lists": {"l": ["x"]}}, [])


def test_what_the_base_does_not_have_can_t_be_removed() -> None:
    _, _, wrong = lay("lists: {l: [x]}\n" + rules("one"), "lists: {l: {remove: [x, y]}}\noutbound: {rules: [{name: two, remove: true}]}\n")
    assert wrong == [
        "b:1:25: the base's list has no such entry to remove",
        "b:2:27: no base has a rule `two` that could be removed",
    ]


def test_rules_merge_by_name_and_keep_the_base_s_order() -> None:
    data, origins, wrong = lay(rules("one", "two"), rules("three") + "    - {name: one, verify: hostname}\n")
    assert list(data["outbound"]["rules"]) == ["one", "two", "three"]
    assert data["outbound"]["rules"]["one"] == {"name": "one", "tls": "none", "domains": ["one.example"], "verify": "hostname"}
    assert (origins["outbound.rules.one.tls"], origins["outbound.rules.one.verify"]) == ("a:3", "b:4")
    assert wrong == []


def test_a_removed_rule_is_gone_and_may_be_written_anew_higher_up() -> None:
    removed, _, wrong = lay(rules("one", "two"), "outbound: {rules: [{name: one, remove: true}]}\n")
    assert (list(removed["outbound"]["rules"]), wrong) == (["two"], [])
    again, _, wrong = lay(
        rules("one"), "outbound: {rules: [{name: one, remove: true}]}\n", "outbound: {rules: [{name: one, next_hops: [x]}]}\n"
    )
    assert (again["outbound"]["rules"], wrong) == ({"one": {"name": "one", "next_hops": ["x"]}}, [])


def test_removing_says_nothing_else_and_a_file_names_a_rule_once() -> None:
    _, _, wrong = lay(rules("one", "one"), "outbound: {rules: [{name: one, remove: true, tls: none}]}\n")
    assert wrong == ["a:4:14: two rules are called `one`", "b:1:20: the rule `one` is removed and says something as well"]


def test_rules_of_both_directions_are_apart() -> None:
    data, _, wrong = lay(rules("one") + "inbound: {rules: [{name: one, tls: required, senders: [a]}]}\n")
    assert (list(data["outbound"]["rules"]), list(data["inbound"]["rules"]), wrong) == (["one"], ["one"], [])


@pytest.mark.parametrize(
    ("base", "over", "targets"),
    [
        ("[postfix]", "[exim, sendmail]", {"exim": {}, "sendmail": {}}),
        ('{postfix: {release: "3.7"}, exim: }', "[postfix]", {"postfix": {"release": "3.7"}}),
        ("[postfix]", '{exim: {release: "4.96"}}', {"postfix": {}, "exim": {"release": "4.96"}}),
        ('{exim: {release: "4.96", layout: debian}}', "{exim: {layout: generic}}", {"exim": {"release": "4.96", "layout": "generic"}}),
        ("{exim: {accept: [x]}}", "{exim: {accept: {add: [y]}}}", {"exim": {"accept": ["x", "y"]}}),
    ],
)
def test_targets_as_a_list_say_which_and_as_a_mapping_say_more(base: str, over: str, targets: dict[str, Any]) -> None:
    data, _, wrong = lay(f"targets: {base}\n", f"targets: {over}\n")
    assert (data, wrong) == ({"targets": targets}, [])


@pytest.mark.parametrize("name", ["mx", "targets", "rules", "domains", "clients", "lists", "keep", "groups", "hosts", "server", "accept"])
def test_hosts_and_lists_may_be_called_like_keys_of_the_language(name: str) -> None:
    host = f"hosts: {{{name}: {{hostname: h.example, platform: debian-12, targets: [exim], certificates: [c]}}}}\nlists: {{{name}: [x]}}\n"
    data, _, wrong = lay(host, f"hosts: {{{name}: {{targets: {{exim: {{layout: generic}}}}}}}}\nlists: {{{name}: {{add: [y]}}}}\n")
    expected = {"hostname": "h.example", "platform": "debian-12", "targets": {"exim": {"layout": "generic"}}, "certificates": ["c"]}
    assert data == {"hosts": {name: expected}, "lists": {name: ["x", "y"]}}
    assert wrong == []


def test_entries_that_were_left_out_keep_the_places_of_the_others() -> None:
    documents = [document.Document("a", Path("a"), "l:\n- x\n- 5\n- y\n", {"lists": {"l": ["x", None, "y"]}, "targets": [None, "exim"]})]
    root = merge(documents, [])
    assert [(entry, origin.path) for block in root.blocks("lists", "l") or () for entry, origin in block.entries()] == [
        ("x", ("lists", "l", 0)),
        ("y", ("lists", "l", 2)),
    ]
    assert [node.origin.path for node in (root.node("targets", "exim"),) if node] == [("targets", 1)]


WORDS = st.lists(st.sampled_from("abcdef"), unique=True)


@given(WORDS, WORDS)
def test_what_is_added_and_then_removed_leaves_the_list_as_it_was(base: list[str], added: list[str]) -> None:
    new = [word for word in added if word not in base]
    data, _, wrong = lay(f"lists: {{l: {base}}}\n", f"lists: {{l: {{add: {new}}}}}\n", f"lists: {{l: {{remove: {new}}}}}\n")
    assert (data, wrong) == ({"lists": {"l": base}}, [])


def test_a_profile_over_itself_is_itself() -> None:
    text = "name: a\nlists: {l: [x]}\ntargets: [exim]\n" + rules("one", "two")
    assert lay(text, text)[0] == lay(text)[0]


def test_the_origin_of_what_nobody_said_is_the_nearest_parent_that_was_said() -> None:
    documents = [document.load("a", Path("a"), b"name: a\noutbound:\n  tls: none\n", [])]
    root = merge(documents, [])
    assert [str(root.origin_of(path)) for path in (("outbound", "tls"), ("outbound", "verify"), ("server", "x"))] == ["a:3", "a:3", "a:1"]
    assert root.at(("outbound", "verify")) is None
