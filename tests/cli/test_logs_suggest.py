"""`tlsconf logs --suggest` and `--simulate`: rules that can be pasted, and what would have become of last period's mail."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from tests.samples import WHOLE, put
from tests.traffic.lines import SAMPLES
from tlsconf.policy import Level, Verify
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

PROFILE = f"""\
{WHOLE}outbound:
  rules:
    - {{name: strict, domains: [clear.example, "*.gov.example"], tls: required, verify: hostname}}
    - {{name: to-bank-example, domains: [elsewhere.example], tls: required}}
"""
RELAY = "mx.{domain}[192.0.2.1]:25"
TLS13 = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"


def line(day: int, program: str, text: str) -> str:
    return f"2026-10-{day:02}T12:00:00 mx1 postfix/{program}[{day}]: {text}\n"


def sent(domain: str, day: int, number: int = 0, proof: str = "Verified", status: str = "sent (250 OK)") -> str:
    """Return what Postfix writes of a message; no proof: without TLS."""
    relay = RELAY.format(domain=domain)
    queue_id = f"{crc32(domain.encode()):08X}{day:02}{number}"
    made = f"{proof} TLS connection established to {relay}: {TLS13}"
    went = f"{queue_id}: to=<u@{domain}>, relay={relay}, delay=1, delays=0/0/1/0.{number}, dsn=2.0.0, status={status}"
    return (line(day, "smtp", made) if proof else "") + line(day, "smtp", went)


def month(domain: str, proof: str = "Verified", days: int = 10) -> str:
    return "".join(sent(domain, day, number, proof) for day in range(1, days + 1) for number in range(2))


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return put(tmp_path, {"p.yaml": PROFILE}).name


def log(text: str) -> str:
    with open("mail.log", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    return "mail.log"


def pasted(profile: str, rules: str) -> str:
    """Return the path of the profile with the rules that were printed under its own."""
    text = PROFILE + indent(rules, "    ")
    with open(profile, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    return profile


def test_what_is_suggested_loads_when_it_is_pasted(tlsconf: Callable[..., Done], profile: str) -> None:
    whole = month("bank.example") + month("partner.example", "Trusted") + month("clear.example", "") + month("rare.example", days=3)
    done = tlsconf("logs", log(whole), "--suggest", profile)
    assert (done.code, done.err) == (0, "")
    assert (
        done.out
        == """\
# sample: 2 rules to review, for `rules` under `outbound`
# Each is for what had at least 20 messages on 7 days, all with TLS, and no failure of TLS.
# `tlsconf validate` says what a server does otherwise, once they are in the profile.
- name: to-bank-example-2
  # 20 messages on 10 days, 2026-10-01 to 2026-10-10; TLSv1.3 20; hosts: mx.bank.example
  # the host's name was proven every time
  domains: ["bank.example"]
  tls: required
  verify: hostname
- name: to-partner-example
  # 20 messages on 10 days, 2026-10-01 to 2026-10-10; TLSv1.3 20; hosts: mx.partner.example
  # a trusted chain every time, which does not prove the name: nobody knows whether `verify: hostname` would hold mail
  domains: ["partner.example"]
  tls: required
  verify: none
# 1 used TLS always, on too few messages or days: rare.example
# What these rules would have done: sent: 40 messages: 40 TLS
# What the profile with these rules would have done:
# sent: 66 messages: 46 TLS, 20 held
# Rules of the profile that would have held or refused mail, or did:
#   held: to clear.example, by the rule strict (p.yaml:8): 20 messages on 10 days, 2026-10-01 to 2026-10-10; clear text 20; \
hosts: mx.clear.example
# Nothing weaker is suggested. Ask these domains to repair their TLS, or decide on a rule of their own that requires less.
"""
    )
    rules = {rule.name: rule for rule in resolve(pasted(profile, done.out)).policies[0].outbound.rules}
    assert list(rules) == ["strict", "to-bank-example", "to-bank-example-2", "to-partner-example"]
    assert rules["to-bank-example-2"][1:3] == (Level.REQUIRED, Verify.HOSTNAME)
    assert rules["to-partner-example"][1:3] == (Level.REQUIRED, Verify.NONE)
    assert rules["to-bank-example-2"].domains == ("bank.example",)
    assert tlsconf("validate", profile).code == 0
    assert tlsconf("logs", "mail.log", "--suggest", profile).out.splitlines()[3] == "[]"  # all that can be required is


def test_no_rules_are_an_empty_list(tlsconf: Callable[..., Done], profile: str) -> None:
    done = tlsconf("logs", log("nothing\n"), "--suggest", profile)
    assert done.code == 0
    assert [text for text in done.out.splitlines() if not text.startswith("#")] == ["[]"]


def test_how_much_is_enough_can_be_said(tlsconf: Callable[..., Done], profile: str) -> None:
    mail = log(month("rare.example", days=3))
    assert "rare.example" not in tlsconf("logs", mail, "--suggest", profile, "--messages", 6).out.partition("[]")[0]
    assert '["rare.example"]' in tlsconf("logs", mail, "--suggest", profile, "--messages", 6, "--days", 3).out


def test_only_the_period_that_is_asked_for_counts(tlsconf: Callable[..., Done], profile: str) -> None:
    mail = log(sent("bank.example", 1, proof="") + "".join(sent("bank.example", day, n) for day in range(2, 12) for n in range(2)))
    assert "to-bank" not in tlsconf("logs", mail, "--suggest", profile).out
    assert "to-bank-example-2" in tlsconf("logs", mail, "--suggest", profile, "--since", "2026-10-02").out


def test_a_simulation_says_what_would_not_have_passed(tlsconf: Callable[..., Done], profile: str) -> None:
    refusal = "deferred (TLS is required, but was not offered by host mx.a.gov.example[192.0.2.1])"
    whole = month("clear.example", "", days=1) + month("b.gov.example", "Trusted", days=1) + month("bank.example", days=2)
    whole += sent("a.gov.example", 3, proof="", status=refusal) + sent("a.gov.example", 4, proof="", status=refusal)
    done = tlsconf("logs", log(whole), "--simulate", "--profile", profile)
    assert done == (
        1,
        """\
p.yaml and the mail of the logs, 2026-10-01 to 2026-10-04:
sent: 10 messages: 4 TLS, 4 held, 2 TLS or held
would not have passed, or did not:
  held: to a.gov.example, by the rule strict (p.yaml:8): 2 messages on 2 days, 2026-10-03 to 2026-10-04; STARTTLS was not offered 2; \
hosts: mx.a.gov.example
  held: to clear.example, by the rule strict (p.yaml:8): 2 messages on 1 day, 2026-10-01; clear text 2; hosts: mx.clear.example
not known (whether a certificate proves the name, what a TLSA record says, or what else a host can do is in no log):
  TLS or held: to b.gov.example, by the rule strict (p.yaml:8): 2 messages on 1 day, 2026-10-01; TLSv1.3 2; hosts: mx.b.gov.example
""",
        "",
    )


def test_a_simulation_of_mail_that_all_passes_is_a_yes(tlsconf: Callable[..., Done], profile: str) -> None:
    done = tlsconf("logs", log(month("a.gov.example")), "--simulate", "--profile", profile)
    assert (done.code, done.out.splitlines()[1:]) == (0, ["sent: 20 messages: 20 TLS"])


def test_a_simulation_as_json(tlsconf: Callable[..., Done], profile: str) -> None:
    mail = log(month("clear.example", "", days=1) + month("a.gov.example", days=1))
    done = tlsconf("logs", mail, "--simulate", "--profile", profile, "--format", "json")
    answer = json.loads(done.out)
    assert done.code == 1
    assert (answer["format"], answer["profile"], answer["sent"], answer["received"]) == (1, "p.yaml", {"held": 2, "TLS": 2}, {})
    held, passed = answer["effects"]
    assert held == {
        "direction": "sent", "rule": "strict", "domain": "clear.example", "outcomes": ["held"], "stopped": True, "known": True,
        "messages": 2, "days": 1, "first": held["first"], "last": held["last"], "used": {"clear text": 2}, "hosts": ["mx.clear.example"],
    }  # fmt: skip
    assert (passed["outcomes"], passed["domain"]) == (["TLS"], "a.gov.example")


def test_the_suggested_rules_are_simulated_in_full(tlsconf: Callable[..., Done], profile: str) -> None:
    mail = log(month("bank.example") + month("clear.example", "", days=1) + month("b.gov.example", "Trusted", days=1))
    done = tlsconf("logs", mail, "--suggest", profile, "--simulate")
    assert done.code == 1
    assert (
        "# sample, with these rules and the mail of the logs, 2026-10-01 to 2026-10-10:\n"
        "# sent: 24 messages: 20 TLS, 2 TLS or held, 2 held\n" in done.out
    )
    assert "#   TLS or held: to b.gov.example, by the rule strict" in done.out
    resolve(pasted(profile, done.out))
    assert tlsconf("logs", log(month("bank.example")), "--suggest", profile, "--simulate").code == 0


@pytest.mark.parametrize(
    "hostile", ["x.example\x1b[31m", "x.example\u2028- name: evil", "x.example\r- name: evil", "#.example", "'\".example", "{}.example"]
)
def test_what_a_log_says_stays_in_comments(tlsconf: Callable[..., Done], profile: str, hostile: str) -> None:
    done = tlsconf("logs", log(month(hostile) + month("bank.example")), "--suggest", profile, "--simulate")
    assert "\x1b" not in done.out
    policy = resolve(pasted(profile, done.out)).policies[0]
    assert [rule.name for rule in policy.outbound.rules][2:] == ["to-bank-example-2"]


@pytest.mark.parametrize("name", ["postfix-3.10.13.log", "exim-4.98.2-gnutls.mainlog", "sendmail-8.18.1.log"])
def test_real_logs_of_every_server(tlsconf: Callable[..., Done], profile: str, name: str) -> None:
    done = tlsconf("logs", SAMPLES / name, "--suggest", profile, "--messages", 1, "--days", 1, "--year", 2026)
    assert done.code == 0
    rules = resolve(pasted(profile, done.out)).policies[0].outbound.rules[2:]
    expected = {"postfix-3.10.13.log": ["to-ex-test"], "exim-4.98.2-gnutls.mainlog": ["to-px-test"], "sendmail-8.18.1.log": ["to-px-test"]}
    assert [rule.name for rule in rules] == expected[name]


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--simulate"], "--simulate wants a profile"),
        (["--suggest", "p.yaml", "--profile", "p.yaml"], "leave --profile out"),
        (["--messages", "3"], "give `--suggest PROFILE`"),
        (["--suggest", "p.yaml", "--format", "json"], "--suggest prints YAML"),
        (["--simulate", "--profile", "p.yaml", "--format", "csv"], "text and json"),
        (["--suggest", "p.yaml", "--days", "0"], "--days"),
    ],
)
def test_what_does_not_go_together_is_told(tlsconf: Callable[..., Done], arguments: list[str], said: str) -> None:
    done = tlsconf("logs", log(PROFILE), *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_broken_profile_is_told_before_anything_is_read(tlsconf: Callable[..., Done], profile: str) -> None:
    put_wrong = profile.replace("p.yaml", "wrong.yaml")
    with open(put_wrong, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("tlsconf: 2\n")
    assert tlsconf("logs", "missing.log", "--suggest", put_wrong).code == 3
    assert tlsconf("logs", "missing.log", "--suggest", "missing.yaml").code == 4
    assert tlsconf("logs", "missing.log", "--suggest", profile).code == 4


def test_a_log_that_ends_too_early_is_no_answer(tlsconf: Callable[..., Done], profile: str) -> None:
    import gzip

    with open("cut.gz", "wb") as file:  # noqa: PTH123
        file.write(gzip.compress(month("bank.example").encode())[:-9])
    done = tlsconf("logs", "cut.gz", "--suggest", profile)
    assert done.code == 4
    assert "ends too early" in done.err
