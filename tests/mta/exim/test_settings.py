"""Plans as a whole: what is set, what is left out, what is said."""

from __future__ import annotations

import inspect

import pytest

from tests.mta.exim.rendering import environment
from tests.policies import PARAMETERS, SUITES, make_policy, make_target
from tlsconf.errors import PlanError
from tlsconf.mta import exim
from tlsconf.plan import Limitation, Plan
from tlsconf.policy import Inbound, InboundRule, Level, Outbound, OutboundRule, Policy, Server, Verify
from tlsconf.tls import Version

ALL = [("4.94.2", "gnutls", "debian-11"), ("4.96", "gnutls", "debian-12"), ("4.98.2", "openssl", None), ("4.100.1", "gnutls", "debian-14")]


def planned(policy: Policy, release: str = "4.98.2", library: str = "gnutls", platform: str | None = "debian-13") -> Plan:
    return exim.plan(policy, make_target("exim", release, library=library, platform=platform))


@pytest.mark.parametrize(("release", "library", "platform"), ALL)
def test_the_release_alone_says_which_options_are_set(release: str, library: str, platform: str | None) -> None:
    def shape(policy: Policy) -> dict[str, tuple[str, ...]]:
        settings = planned(policy, release, library, platform).settings
        return {path: () if path.startswith("tlsconf/") else tuple(s.name for s in found) for path, found in settings.items()}

    empty = make_policy(
        outbound=Outbound(Level.NONE, Verify.NONE, None, None, ()), inbound=Inbound(Level.NONE, (), ()), server=Server(None, ())
    )
    assert shape(make_policy()) == shape(empty)


def test_no_transport_sets_an_option_twice_and_the_smarthost_one_leaves_multi_domain_alone() -> None:
    settings = planned(make_policy()).settings
    for name in ("transport_smtp", "transport_smarthost"):
        names = [s.name for s in settings[name] if not s.name.startswith(".")]
        assert len(names) == len(set(names))
    assert "multi_domain" not in {s.name for s in settings["transport_smarthost"]}
    assert ("multi_domain", "false") in settings["transport_smtp"]


def test_macro_names_do_not_contain_each_other() -> None:
    macros = [s.name for s in planned(make_policy()).settings["main"] if s.name.isupper()]
    assert len(macros) == 5
    assert [(a, b) for a in macros for b in macros if a != b and a in b] == []


def test_inbound_none_offers_no_tls() -> None:
    for level, hosts in ((Level.NONE, ""), (Level.OPPORTUNISTIC, "*"), (Level.REQUIRED, "*")):
        settings = dict(planned(make_policy(inbound_tls=level)).settings["main"])
        assert settings["tls_advertise_hosts"] == hosts


def test_missing_anchors_do_not_turn_tls_off() -> None:
    settings = dict(planned(make_policy(outbound_trust_anchors="/ca")).settings["transport_smtp"])
    assert "${if exists{/ca}{/ca}{/dev/null}}" in settings["tls_verify_certificates"]
    settings = dict(planned(make_policy(outbound_trust_anchors=None)).settings["transport_smtp"])
    assert "{system}" in settings["tls_verify_certificates"]


def test_an_old_release_is_refused() -> None:
    with pytest.raises(PlanError) as caught:
        planned(make_policy(), "4.93")
    assert caught.value.path == ("targets", "exim", "release")
    assert "4.94" in caught.value.expected


def test_a_new_release_is_said() -> None:
    assert any(note.startswith("warning: Exim 4.101") for note in planned(make_policy(), "4.101").notes)
    assert not any(note.startswith("warning: ") for note in planned(make_policy(), "4.100.1").notes)


@pytest.mark.parametrize(
    ("platform", "layout", "folder", "user"),
    [
        ("debian-12", None, "/etc/exim4/tlsconf", "Debian-exim"), ("ubuntu-24.04", None, "/etc/exim4/tlsconf", "Debian-exim"),
        ("rhel-9", None, "/etc/exim/tlsconf", "exim"), (None, None, "/etc/exim/tlsconf", "exim"),
        (None, "debian", "/etc/exim4/tlsconf", "Debian-exim"), ("debian-12", "generic", "/etc/exim/tlsconf", "exim"),
        ("freebsd", "generic", "/etc/exim/tlsconf", "mailnull"),
    ],
)  # fmt: skip
def test_layouts(platform: str | None, layout: str | None, folder: str, user: str) -> None:
    target = make_target("exim", "4.98.2", platform=platform, layout=layout)
    plan = exim.plan(make_policy(), target)
    assert {str(file.destination).rpartition("/")[0] for file in plan.files} == {folder}
    assert {needed.readable_by for needed in plan.requires} == {user}
    assert bool(plan.site_edits) is (user == "Debian-exim")


def test_both_ways_to_configure_debian_are_edited() -> None:
    edits = planned(make_policy()).site_edits
    template = [(e.anchor, e.where, e.line) for e in edits if e.file.endswith(".template")]
    parts = [(e.anchor, e.where, e.line) for e in edits if "/conf.d/" in e.file]
    assert template == parts
    assert len(template) == 7


def test_what_can_hold_mail_is_said_only_where_other_mail_is_touched() -> None:
    def said(policy: Policy) -> bool:
        return any(item.id == "exim-host-retry-shared" for item in planned(policy).limitations)

    assert said(make_policy())
    assert not said(make_policy(outbound_rules=()))
    assert not said(make_policy(outbound_rules=(), outbound_tls=Level.REQUIRED))


def test_unusable_tlsa_records_are_said_for_openssl() -> None:
    rules = (OutboundRule("d", Level.OPPORTUNISTIC, Verify.DANE, domains=("d.example",)),)
    for library, expected in (("openssl", [("d",)]), ("gnutls", [])):
        plan = planned(make_policy(outbound_rules=rules), library=library)
        assert [item.rules for item in plan.limitations if item.id == "exim-openssl-dane-unusable"] == expected


def test_each_limitation_is_documented() -> None:
    arguments: dict[str, object] = {
        "tuple[str, ...]": ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",), "str": "required", "tuple[str, ...] | None": (), "Kind": "different",
    }  # fmt: skip
    seen = set()
    for function in exim.LIMITATIONS:
        text = inspect.getdoc(function) or ""
        paragraphs = [paragraph.partition(":")[0] for paragraph in text.split("\n\n")[1:]]
        assert paragraphs == ["What", "Why", "Instead", "Remedy", "Source"], function.__name__
        made = function(*(arguments[p.annotation] for p in inspect.signature(function).parameters.values()))
        assert isinstance(made, Limitation)
        assert made.id == function.__name__.replace("_", "-")
        seen.add(made.id)
    assert len(seen) == len(exim.LIMITATIONS)


def test_the_notes_reach_the_administrator() -> None:
    rules = (InboundRule("bank", senders=("bank.example",), minimum_version=Version.TLSv1_3),)
    for platform in ("debian-12", "rhel-9", "freebsd"):
        plan = planned(make_policy(inbound_rules=rules), platform=platform)
        text = environment().get_template("exim/INSTALL.md.j2").render(plan=plan, profile="sample", files=plan.files)
        for line in (*plan.check, *plan.activate, *plan.rollback, *plan.notes):
            assert line in text
        assert any("forwards" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("release", "library", "suites", "kinds"),
    [
        ("4.94.2", "gnutls", SUITES, ["different"]),
        ("4.94.2", "gnutls", SUITES[:1], ["missing"]),
        ("4.96", "gnutls", SUITES, []),
        ("4.94.2", "openssl", SUITES, []),
    ],
)
def test_dhe_suites_are_not_taken_from_clients_by_4_94_with_gnutls(
    release: str, library: str, suites: tuple[str, ...], kinds: list[str]
) -> None:
    listed = PARAMETERS._replace(cipher_suites=(*suites, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"))
    found = planned(make_policy(opportunistic=listed), release, library, None).limitations
    assert [item.kind for item in found if item.id == "exim-gnutls-server-dhe"] == kinds
