"""What `tlsconf inspect` says of real Postfix builds: of conforming ones, and of ones that were tampered with."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.lab import roots
from tests.lab.install import install
from tests.native.inspecting import GOLDEN, Tampering, check_tamperings, deployed
from tlsconf.mta.postfix.native import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUILDS: Final = [name for name in roots.SERVERS if name.startswith("postfix-")]
CASES: Final = ("clear", "dane", "every-rule", "smarthost")  # the others say less of what these say

MAIN: Final = "/etc/postfix/main.cf"
MASTER: Final = "/etc/postfix/master.cf"
OURS: Final = "check_client_access cidr:${config_directory}/tlsconf/inbound_exempt"
AMAVIS: Final = (
    "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o smtpd_sender_restrictions= -o smtpd_tls_security_level=none\\n"
    "smtp-amavis unix - - n - 2 smtp -o smtp_tls_security_level=none -o smtp_tls_policy_maps=\\n"
)
MUA: Final = "-o smtpd_sender_restrictions=permit_sasl_authenticated,reject -o smtpd_client_restrictions=permit_mynetworks,reject"


def tampering(name: str, command: str, *expected: str) -> Tampering:
    """Let main.cf and master.cf look old: Postfix's programs wait while they may still be being written.

    `expected` are ids without their prefix; those of warnings end in a question mark.
    """
    ids = frozenset(f"postfix-{id_.rstrip('?')}" for id_ in expected)
    errors = frozenset(f"postfix-{id_}" for id_ in expected if not id_.endswith("?"))
    return Tampering(name, f"{command}; touch -d '1 hour ago' {MAIN} {MASTER}", ids, errors)


def main_cf(lines: str, *expected: str) -> Tampering:
    """Set parameters as an administrator's editor does: in the place of the lines that are there."""
    settings = " ".join(f"'{line}'" for line in lines.split("\n"))
    return tampering(lines, f"postconf -e {settings}", *expected)


def master_cf(lines: str, *expected: str) -> Tampering:
    """Add services to master.cf."""
    return tampering(lines, f"printf '{lines}\\n' >> {MASTER}", *expected)


def override(service: str, setting: str, *expected: str) -> Tampering:
    """Give a service of master.cf a parameter of its own."""
    return tampering(f"{service} -o {setting}", f"postconf -P '{service}/{setting}'", *expected)


EVERY_RULE: Final = (
    # What is deployed.
    main_cf("smtp_tls_security_level = none", "parameter-differs"),
    main_cf("smtp_tls_loglevel = 2", "parameter-differs?"),
    tampering("a parameter is taken out", "postconf -X smtp_tls_mandatory_ciphers tlsconf_inbound", "parameter-differs", "complains?"),
    tampering("a parameter is set again", f"echo 'smtp_tls_ciphers = low' >> {MAIN}", "parameter-differs", "parameter-twice?"),
    tampering("the same twice", f"echo 'smtp_tls_ciphers = low' > /tmp/m; cat {MAIN} >> /tmp/m; cp /tmp/m {MAIN}", "parameter-twice?"),
    tampering("a word that nothing knows", f"echo 'smtp_tls_sekurity_level = encrypt' >> {MAIN}", "complains?"),
    tampering("no equals sign", f"echo 'smtp_tls_ciphers' >> {MAIN}", "refuses"),
    tampering("a broken service", f"echo 'smtps inet n' >> {MASTER}", "refuses"),
    main_cf("smtp_use_tls = yes\nsmtpd_enforce_tls = yes", "setting-without-effect?"),
    # Lists that a site may use too.
    main_cf("smtpd_sender_restrictions = permit_mynetworks, reject_non_fqdn_sender", "list-lost"),
    main_cf(f"smtpd_sender_restrictions = permit_mynetworks, {OURS}, reject_non_fqdn_sender", "list-order"),
    main_cf(f"smtpd_sender_restrictions = warn_if_reject, {OURS}, reject_non_fqdn_sender", "list-order"),
    main_cf(f"smtpd_sender_restrictions = reject_rbl_client rbl.example, {OURS}  reject_non_fqdn_sender", "list-order?"),
    main_cf(f"smtpd_sender_restrictions = {OURS}, reject_unknown_sender_domain", "list-foreign?", "list-site-lost?"),
    main_cf("smtpd_client_restrictions = permit_mynetworks", "list-foreign?"),
    main_cf(
        "smtp_tls_policy_maps = inline:{bank.gov.uk=none}, texthash:${config_directory}/tlsconf/outbound, inline:{site.example=may}",
        "list-order",
    ),
    main_cf("smtp_tls_policy_maps = texthash:${config_directory}/tlsconf/outbound, inline:{a=none}", "list-foreign", "list-site-lost?"),
    # Services with other parameters.
    override("smtp/unix", "smtp_tls_security_level=none", "service-override"),
    override("relay/unix", "smtp_tls_policy_maps=", "service-override"),
    override("smtp/unix", "smtp_tls_security_level=encrypt", "service-override?"),
    override("smtp/unix", "smtp_tls_policy_maps=texthash:${config_directory}/tlsconf/outbound"),
    override("smtp/unix", "smtp_tls_policy_maps=texthash:${config_directory}/tlsconf/outbound,inline:{a=none}", "service-override"),
    override("smtp/unix", "smtp_tls_CAfile=/etc/ssl/other.pem", "service-override"),
    override("smtp/unix", "smtp_tls_wrappermode=yes", "wrappermode"),
    override("smtp/inet", "smtpd_tls_security_level=none", "service-override"),
    override("smtp/inet", "smtpd_tls_security_level=encrypt", "service-override?"),
    override("smtp/inet", "smtpd_sender_restrictions=permit_mynetworks", "service-override"),
    override("smtp/inet", "tls_medium_cipherlist=ALL", "service-override"),
    override("smtp/inet", "smtpd_tls_wrappermode=yes", "wrappermode"),
    master_cf("2525 inet n - n - - smtpd -o smtpd_tls_protocols=!SSLv2", "service-override"),
    master_cf(f"submission inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {MUA}"),
    master_cf(f"smtps inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_chain_files=/etc/ssl/mua.pem {MUA}"),
    master_cf(f"submission inet n - n - - smtpd -o smtpd_enforce_tls=yes {MUA}", "service-override?", "setting-without-effect?"),
    master_cf("submission inet n - n - - smtpd -o smtpd_tls_protocols=!SSLv2", "service-override?"),
    master_cf("strict unix - - n - - smtp -o smtp_tls_security_level=encrypt"),
    master_cf("lax unix - - n - - smtp -o smtp_tls_security_level=none", "service-override?"),
    tampering(
        "postscreen before smtpd",
        f"sed -i 's/^smtp  *inet.*/smtp inet n - n - 1 postscreen\\nsmtpd pass - - n - - smtpd -o smtpd_sender_restrictions=/' {MASTER}",
        "service-override",
    ),
    # What hides STARTTLS.
    main_cf("smtp_discard_ehlo_keywords = chunking, STARTTLS", "starttls-hidden"),
    main_cf("smtpd_discard_ehlo_keywords = starttls", "starttls-hidden"),
    main_cf("smtpd_discard_ehlo_keyword_address_maps = static:silent-discard"),
    tampering(
        "STARTTLS is hidden from some",
        "echo '192.0.2.0/24 starttls' > /etc/postfix/ehlo; postconf -e smtp_discard_ehlo_keyword_address_maps=cidr:/etc/postfix/ehlo",
        "starttls-hidden",
    ),
    tampering(
        "a comment in a table of what is hidden",
        "echo '# 192.0.2.0/24 starttls' > /etc/postfix/ehlo; postconf -e smtpd_discard_ehlo_keyword_address_maps=cidr:/etc/postfix/ehlo",
    ),
    main_cf("smtp_never_send_ehlo = yes", "starttls-hidden"),
    main_cf("tls_server_sni_maps = texthash:/etc/postfix/sni", "other-certificates?"),
    # Where mail is sent.
    main_cf("relayhost = [relay.provider.example]", "relayhost"),
    main_cf("default_transport = smtp:[relay.provider.example]:587", "relayhost"),
    main_cf("transport_maps = inline:{police.uk=smtp:[mail.police.example]}", "route-past-rules"),
    main_cf("transport_maps = inline:{.uk=:[192.0.2.1]}", "route-past-rules"),
    main_cf("transport_maps = static:smtp:mail.example", "route-past-rules"),
    tampering(
        "a table of regular expressions",
        "echo '/@(.*\\.)?gov\\.uk$/ smtp:[relay.example]' > /etc/postfix/re; postconf -e transport_maps=regexp:/etc/postfix/re",
        "route-past-rules",
    ),
    main_cf(
        "transport_maps = inline:{police.uk=smtp:[relay.lab.example], .gov.uk=error:no, site.example=smtp:[a.example], a@gov.uk=smtp:}"
    ),
    main_cf("transport_maps = tcp:127.0.0.1:9", "route-unknown?"),
    main_cf("sender_dependent_relayhost_maps = inline:{@site.example=[relay.example]}", "route-past-rules"),
    main_cf("sender_dependent_relayhost_maps = inline:{@site.example=[relay.lab.example], @b.example=DUNNO}"),
    main_cf("sender_dependent_default_transport_maps = inline:{a@site.example=smtp:[relay.example]}", "route-past-rules"),
    main_cf("smtp_fallback_relay = fallback.example", "route-past-rules"),
    main_cf("relay_transport = relay:[inside.example]", "route-past-rules?"),
    tampering("a filter", f"printf '{AMAVIS}' >> {MASTER}; postconf -e content_filter=smtp-amavis:[127.0.0.1]:10024"),
    main_cf("multi_instance_directories = /etc/postfix-out", "other-instances?"),
)
SMARTHOST: Final = (
    main_cf("relayhost =", "relayhost"),
    main_cf("relayhost = [relay.provider.example]", "relayhost"),
    main_cf("relayhost = [Relay.provider.example]:submission"),
    main_cf("relayhost =\ndefault_transport = smtp:[relay.provider.example]:587"),
    main_cf("transport_maps = inline:{*=smtp:[other.example], a.example=smtp:[b.example]}", "relayhost"),
    main_cf("sender_dependent_relayhost_maps = inline:{@site.example=[other.example]:587}", "relayhost?"),
    main_cf("content_filter = smtp:[127.0.0.1]:10024", "filter-held?"),
    override("smtp/unix", "smtp_tls_security_level=secure", "service-override?"),
    override("smtp/unix", "smtp_tls_policy_maps="),
)
DANE: Final = (
    main_cf("smtp_host_lookup = native", "dane-lookup"),
    tampering("a resolver elsewhere", "echo nameserver 192.0.2.53 > /etc/resolv.conf", "dane-resolver?"),
    override("smtp/unix", "smtp_tls_security_level=encrypt", "service-override"),
)
COMPILED: Final = (
    tampering(
        "an old table",
        "cd /etc/postfix/tlsconf; cp outbound new; echo 'x.example none' > outbound; postmap $(cat /srv/type):outbound; cp new outbound",
        "table-stale",
    ),
    tampering("no compiled table", "rm /etc/postfix/tlsconf/outbound.*", "table-unusable"),
)


TAMPERINGS: Final = {"every-rule": EVERY_RULE, "smarthost": SMARTHOST, "dane": DANE}
# The oldest and the newest stable release see all of it, the others one half each.
SHARES: Final = {
    "postfix-debian-11": slice(None),
    "postfix-debian-12": slice(0, None, 2),
    "postfix-debian-13": slice(None),
    "postfix-debian-14": slice(1, None, 2),
}


@pytest.mark.parametrize("build", BUILDS)
def test_conforming(build: str, root: Callable[[str], Path], subtests: pytest.Subtests) -> None:
    for case in CASES:
        with subtests.test(case), deployed(root(build), case) as machine:
            answer = machine.inspect()
            assert (answer.code, answer.errors) == (0, frozenset()), answer.text
            assert not {id_ for id_ in answer.warnings if id_.startswith("postfix-")}, answer.text


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("case", TAMPERINGS)
def test_tampered(build: str, case: str, root: Callable[[str], Path], subtests: pytest.Subtests) -> None:
    with deployed(root(build), case) as machine:
        check_tamperings(machine, TAMPERINGS[case][SHARES[build]], subtests)


@pytest.mark.parametrize(("build", "map_type"), [("postfix-debian-12", "hash"), ("postfix-debian-14", "cdb")])
def test_compiled(build: str, map_type: str, root: Callable[[str], Path], tmp_path: Path, subtests: pytest.Subtests) -> None:
    profile = tmp_path / "profile.yaml"
    host = build.partition("-")[2]
    lines = (GOLDEN / "smarthost" / "profile.yaml").read_text().splitlines(keepends=True)
    base = "".join(line for line in lines if "platform:" not in line or line.startswith(f"  {host}:"))  # no type is everywhere
    targets = f"targets: {{postfix: {{map_type: {map_type}}}}}"
    rule = "  rules: [{name: relay, next_hops: ['[relay.lab.example]'], tls: required, verify: none}]\n"
    profile.write_text(base.replace("targets: [postfix, exim, sendmail]", targets) + rule)
    done = subprocess.run(
        [sys.executable, "-m", "tlsconf", "render", str(profile), "-o", str(tmp_path / "out")], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    with deployed(root(build), "smarthost") as machine:
        install(machine.box, tmp_path / "out" / "smarthost" / host / "postfix")
        machine.box.run("sh", "-c", f"echo {map_type} > /srv/type; tar -cf /srv/saved.tar /etc")
        check_tamperings(machine._replace(profile=profile), COMPILED, subtests)


def test_every_check_is_shown() -> None:
    shown = {id_ for item in (*itertools.chain(*TAMPERINGS.values()), *COMPILED) for id_ in item.expected}
    assert shown == set(CHECKS)
