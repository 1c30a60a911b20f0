"""`tlsconf probe` speaks to real servers: ones that conform, and the same ones held against other profiles or with other certificates."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.lab import certificates
from tests.lab import run as lab_run
from tests.lab.network import SERVER4, SERVER6
from tests.lab.roots import CHECKOUT
from tests.lab.scenarios import ANCHORS, RELAYED, STRANGER, SUITES, Inbound, Scenario
from tlsconf.mta import acceptance, load
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.certificates import Pair
    from tests.lab.run import Lab

BUILDS: Final = ("postfix-debian-13", "exim-debian-13", "sendmail-debian-13")
HOST: Final = "mail.lab.example"
GROUPS: Final = ["X25519", "secp256r1", "secp384r1"]
LEGACY: Final = ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"]
RULES: Final = [
    {"name": "bank", "senders": ["bank.test"], "tls": "required"},
    {"name": "later", "senders": ["later.test"], "tls": "required", "on_plaintext": "defer"},
    {"name": "modern", "senders": ["modern.test"], "tls": "required", "minimum_version": "TLSv1.3"},
    {"name": "link", "clients": ["192.0.2.0/24"], "tls": "required"},
]


class Answer(NamedTuple):
    """What the probe said: its exit code, the ids of errors and warnings, and the answer as JSON."""

    code: int
    errors: set[str]
    warnings: set[str]
    whole: dict[str, Any]


def profile(inbound: dict[str, Any], **tls: Any) -> dict[str, Any]:
    folder = "/etc/ssl/lab"
    pairs = [{"chain": f"{folder}/chain{name}.pem", "key": f"{folder}/key{name}.pem"} for name in ("", "-ec")]
    return {
        "tlsconf": 1,
        "name": "probed",
        "server": {"hostname": HOST, "certificates": pairs},
        "tls": {"minimum_version": "TLSv1.2", "cipher_suites": list(SUITES), "groups": GROUPS, **tls},
        "outbound": {"trust_anchors": ANCHORS},
        "inbound": inbound,
    }


def scenario(wanted: dict[str, Any]) -> Scenario:
    senders = ("bank.test", "later.test", "modern.test", "client.test")
    return Scenario("probed", wanted, inbound=tuple(Inbound(f"in/probed/{name}", name, STRANGER, None) for name in senders))


def probed(lab: Lab, folder: Path, wanted: dict[str, Any], *places: str, **server: Any) -> Answer:
    """Probe the server from the other side of the cable, against a profile whose trust anchors this machine can read."""
    target, _, platform = lab.build.partition("-")
    (folder / "anchors.pem").write_text(certificates.made().anchors)
    details: dict[str, Any] = {**lab.site.target()}
    own = {
        "platform": platform,
        "targets": {target: details},
        "server": {**wanted["server"], **server},
        "outbound": {"trust_anchors": str(folder / "anchors.pem")},
    }
    path = folder / "profile.yaml"
    path.write_text(json.dumps({**wanted, **own}))
    (policy,) = resolve(str(path)).policies
    refused = acceptance.not_accepted(load(target).plan(policy, policy.targets[0]).limitations, ())
    details["accept"] = [{"id": item.id, "reason": "shown", **({"rules": list(item.rules)} if item.rules else {})} for item in refused]
    path.write_text(json.dumps({**wanted, **own}))
    # Stock Sendmail knows no postmaster at its own name, and Exim asks the DNS where it would send what it relays.
    recipient = ("--recipient", f"x@{RELAYED}") if target == "sendmail" else ()
    words = ("probe", str(path), *(places or (SERVER4,)), "--format", "json", *recipient)
    done = subprocess.run(
        ["nsenter", "-t", str(lab.other.pid), "-n", sys.executable, "-m", "tlsconf", *words],
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
        text=True,
        timeout=150,
    )
    assert done.stdout, done.stderr
    whole = json.loads(done.stdout)
    ids = {severity: {item["id"] for item in whole["findings"] if item["severity"] == severity} for severity in ("error", "warning")}
    return Answer(done.returncode, ids["error"], ids["warning"], whole)


def certify(lab: Lab, pair: Pair) -> None:
    """Give the server another RSA certificate, and start it anew."""
    lab.box.write("/etc/ssl/lab/chain.pem", pair.chain)
    lab.box.write("/etc/ssl/lab/key.pem", pair.key)
    lab.box.run("service", lab.site.SERVICE, "restart")
    assert lab.box.talk()["ehlo"][:1] == ["250"]


@pytest.mark.parametrize("build", BUILDS)
def test_a_server_that_conforms_and_what_it_lacks_for_other_profiles(
    root: Callable[[str], Path], build: str, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    assert root(build).is_dir()
    assert root("python-debian-13").is_dir()
    wanted = profile({"rules": RULES})
    with lab_run.opened(build, scenario(wanted)) as lab:
        answer = probed(lab, tmp_path, wanted)
        assert (answer.code, answer.errors) == (0, set()), answer.whole
        (accepted,) = answer.whole["probed"]
        assert {version: set(names) for version, names in accepted["suites"].items()} == {
            "TLSv1.2": {name for name in SUITES if "_WITH_" in name},
            "TLSv1.3": {name for name in SUITES if "_WITH_" not in name},
        }
        assert set(GROUPS) <= set(accepted["groups"]["TLSv1.3"])
        # A rule for other clients is not seen from here, and what is not seen is never a pass. Postfix has no versions by sender.
        assert [item["message"].partition(":")[0] for item in answer.whole["not_tested"]] == ["rule link"], answer.whole
        assert ("rule-version-accepted" in answer.warnings) == build.startswith("postfix")

        others: dict[str, tuple[dict[str, Any], str]] = {
            "a higher floor": (profile({"rules": RULES}, minimum_version="TLSv1.3"), "version-accepted"),
            "a lower floor": (profile({}, minimum_version="TLSv1.0", cipher_suites=[*SUITES, LEGACY[0]]), "version-refused"),
            "fewer suites": (profile({}, cipher_suites=[name for name in SUITES if "CHACHA20" not in name]), "suite-accepted"),
            "more suites": (profile({}, cipher_suites=[*SUITES, LEGACY[1]]), "suite-refused"),
            "another rule": (profile({"rules": [{"name": "new", "senders": ["client.test"], "tls": "required"}]}), "clear-text-accepted"),
            "required": (profile({"tls": "required"}), "clear-text-accepted"),
            "no rule": (profile({"rules": [{**RULES[0], "on_plaintext": "defer"}]}), "answer-differs"),
            "no TLS": (profile({"tls": "none"}), "starttls-offered"),
        }
        for name, (other, expected) in others.items():
            with subtests.test(name):
                answer = probed(lab, tmp_path, other)
                assert answer.code == 1
                explained = name == "a lower floor" and build.startswith("sendmail")  # OpenSSL's own settings are before those of Sendmail
                assert expected in (answer.warnings if explained else answer.errors), answer.whole
        with subtests.test("another name"):
            assert probed(lab, tmp_path, wanted, hostname="other.lab.example").errors == {"certificate-other-name"}
        with subtests.test("self-signed"):
            certify(lab, certificates.self_signed(HOST))
            answer = probed(lab, tmp_path, wanted)
            assert (answer.code, answer.errors) == (0, set())
            assert "certificate-untrusted" in answer.warnings
        with subtests.test("expired"):
            certify(lab, certificates.Authority().issue(HOST, expired=True))
            assert probed(lab, tmp_path, wanted).errors == {"certificate-expired"}


def listen_with_tls(lab: Lab) -> None:
    """Let the server listen on port 465, too, where TLS comes first (RFC 8314), and start it anew."""
    match lab.site.SERVICE:
        case "postfix":
            lab.box.run("postconf", "-M", "smtps/inet=smtps inet n - y - - smtpd -o smtpd_tls_wrappermode=yes")
        case "exim4":
            lines = "tls_on_connect_ports = 465\\ndaemon_smtp_ports = 25 : 465"
            lab.box.run("sed", "-i", f"1i {lines}", "/etc/exim4/exim4.conf.template")
        case _:
            line = f"DAEMON_OPTIONS(`Family=inet6, Name=MTA-s, Port=smtps, M=s, Addr={SERVER6}')dnl"
            lab.box.run("sed", "-i", f"/^MAILER_DEFINITIONS/i {line}", "/etc/mail/sendmail.mc")
            lab.box.run("sh", "-c", "cd /etc/mail && m4 sendmail.mc > sendmail.cf")
    lab.box.run("service", lab.site.SERVICE, "restart")
    assert lab.box.talk()["ehlo"][:1] == ["250"]


@pytest.mark.parametrize("build", BUILDS)
def test_ipv6_and_the_port_of_tls_from_the_first_byte(root: Callable[[str], Path], build: str, tmp_path: Path) -> None:
    assert root(build).is_dir()
    assert root("python-debian-13").is_dir()
    wanted = profile({"rules": RULES[:1]})
    places = (SERVER6, f"[{SERVER6}]:465")
    with lab_run.opened(build, scenario(wanted)) as lab:
        listen_with_tls(lab)
        answer = probed(lab, tmp_path, wanted, *places)
        assert (answer.code, answer.errors) == (0, set()), answer.whole
        assert [item["server"] for item in answer.whole["probed"]] == [f"[{SERVER6}]:25", places[1]]
        for item in answer.whole["probed"]:
            assert set(item["suites"]) == {"TLSv1.2", "TLSv1.3"}
            assert {certificate["key"] for certificate in item["certificates"]} == {"RSA, 2048 bits", "ECDSA, 256 bits"}
        untested = [(item["server"], item["message"]) for item in answer.whole["not_tested"]]
        assert untested == [(places[1], "there is none on port 465")], answer.whole
        other = profile({"rules": RULES[:1]}, minimum_version="TLSv1.3")
        other["server"]["hostname"] = "other.lab.example"
        answer = probed(lab, tmp_path, other, places[1])
        assert (answer.code, answer.errors) == (1, {"version-accepted", "certificate-other-name"}), answer.whole


@pytest.mark.parametrize("build", BUILDS)
def test_a_server_of_the_old_kind(root: Callable[[str], Path], build: str, tmp_path: Path, subtests: pytest.Subtests) -> None:
    assert root(build).is_dir()
    assert root("python-debian-13").is_dir()
    loose = profile({}, minimum_version="TLSv1.0", cipher_suites=[*SUITES, *LEGACY])
    with lab_run.opened(build, scenario(loose)) as lab:
        with subtests.test("conforming"):
            answer = probed(lab, tmp_path, loose)
            assert (answer.code, answer.errors) == (0, set()), answer.whole
        with subtests.test("floor, suites and rules"):
            answer = probed(lab, tmp_path, profile({"rules": RULES}))
            assert answer.code == 1
            assert answer.errors == {"version-accepted", "suite-accepted", "clear-text-accepted", "rule-version-accepted"} - (
                {"rule-version-accepted"} if build.startswith("postfix") else set()
            ), answer.whole
        with subtests.test("a short key"):
            certify(lab, certificates.Authority().issue_weak(HOST))
            seen = "starttls-missing" if build.startswith("sendmail") else "key-short"  # its OpenSSL does not load such a key
            assert probed(lab, tmp_path, loose).errors == {seen}


@pytest.mark.parametrize("build", BUILDS)
def test_a_server_without_starttls(root: Callable[[str], Path], build: str, tmp_path: Path) -> None:
    assert root(build).is_dir()
    assert root("python-debian-13").is_dir()
    nothing = profile({"tls": "none"})
    with lab_run.opened(build, scenario(nothing)) as lab:
        assert probed(lab, tmp_path, nothing).code == 0
        answer = probed(lab, tmp_path, profile({"rules": RULES}))
    assert (answer.code, answer.errors) == (1, {"starttls-missing", "clear-text-accepted"})
    assert "sessions" in {item["id"] for item in answer.whole["not_tested"]}
