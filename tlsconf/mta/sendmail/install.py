"""How the files are put in force: the commands that an administrator runs, and what they need."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from tlsconf.plan import Requirement, SiteEdit
from tlsconf.policy import Level

if TYPE_CHECKING:
    from tlsconf.mta.sendmail.releases import Facts
    from tlsconf.plan import Section
    from tlsconf.policy import Policy, Target

FOLDER: Final = "/etc/mail/tlsconf"
CHAIN: Final = f"{FOLDER}/chain"
TABLES: Final = ("outbound", "next_hops", "senders", "clients")
_CF: Final = "/etc/mail/sendmail.cf"
_NEW: Final = f"{FOLDER}/sendmail.cf.new"
_MC: Final = "/etc/mail/sendmail.mc"

# Debian's stock sendmail.mc has one line MAILER_DEFINITIONS, that of Red Hat one line MAILER(smtp)dnl, each behind all definitions.
SITE_EDITS: Final = (SiteEdit(_MC, r"^MAILER(_DEFINITIONS|\(smtp\))", "before", f"include(`{FOLDER}/tlsconf.m4')dnl"),)
# Debian's reload makes a sendmail.cf again that is older than sendmail.mc: so our line goes first, and the copy gets the time of now.
ROLLBACK: Final = (
    f"test -e {FOLDER}/sendmail.cf.before",
    f"sed -i '\\|^include(.{FOLDER}/tlsconf\\.m4.)dnl$|d' {_MC}",
    f"cat {FOLDER}/sendmail.cf.before > {_CF} && rm {FOLDER}/sendmail.cf.before",
)

# How the options are called in sendmail.cf, by their name in sendmail.mc (cf/README, "Options").
OPTIONS: Final = {
    "confCACERT": "CACertFile",
    "confCACERT_PATH": "CACertPath",
    "confSERVER_CERT": "ServerCertFile",
    "confSERVER_KEY": "ServerKeyFile",
    "confDH_PARAMETERS": "DHParameters",
    "confCIPHER_LIST": "CipherList",
    "confSERVER_SSL_OPTIONS": "ServerSSLOptions",
    "confCLIENT_SSL_OPTIONS": "ClientSSLOptions",
    "confTLS_FALLBACK_TO_CLEAR": "TLSFallbacktoClear",
    "confDANE": "DANE",
    "TLSCONF_CIPHER_SUITES": "CipherSuites",
    "TLSCONF_SET_CERT_ALTNAMES": "SetCertAltnames",
}


def requirements(policy: Policy) -> tuple[Requirement, ...]:
    """Return the files that must be there: Sendmail reads them as root."""
    paths = [path for certificate in policy.server.certificates for path in (certificate.chain, certificate.key)]
    if policy.outbound.trust_anchors is not None:
        paths.append(policy.outbound.trust_anchors)
    return tuple(Requirement(path, "root") for path in dict.fromkeys(paths))


def chain_command(policy: Policy) -> str:
    """Return the line that fills the folder from which the server completes its chain.

    Of ServerCertFile, the first certificate alone is read. Roots are left out: in this folder they would become trust anchors, which an
    intermediate certificate is not.
    """
    chains = " ".join(shlex.quote(certificate.chain) for certificate in policy.server.certificates)
    split = f'awk -v to={CHAIN}.new/$n- \'/BEGIN CERTIFICATE/ {{ i++ }} i > 1 {{ print > (to i ".pem") }}\' "$file"'
    return (
        f"(rm -rf {CHAIN}.new && install -d -o root -g root -m 0755 {CHAIN}.new && n=0"
        f" && for file in {chains}; do n=$((n + 1)); {split} || exit 1; done"
        f' && for file in {CHAIN}.new/*.pem; do [ ! -e "$file" ]'
        ' || [ "$(openssl x509 -noout -subject_hash -in "$file")" != "$(openssl x509 -noout -issuer_hash -in "$file")" ]'
        f' || rm "$file"; done && openssl rehash {CHAIN}.new && rm -rf {CHAIN} && mv {CHAIN}.new {CHAIN})'
    )


def compile_commands(policy: Policy, known: Facts) -> tuple[str, ...]:
    """Return the lines that make the chain, the tables and sendmail.cf, each beside the old one until it is whole."""
    suffix = known.map_suffix
    make = f'makemap {known.map_type} "$name.new" < "$name" && mv -f "$name.new{suffix}" "$name{suffix}"'
    return (
        chain_command(policy),
        f"(cd {FOLDER} && for name in {' '.join(TABLES)}; do {make} || exit 1; done)",
        f"m4 {_MC} > {_NEW}",
        f"grep -q '^Stlsconf_tls_rcpt' {_NEW} && sendmail -C {_NEW} -bC",
        f"if [ -e {_CF} ] && ! grep -q '^Stlsconf_tls_rcpt' {_CF}; then cp -p {_CF} {FOLDER}/sendmail.cf.before; fi",
        f"chmod 0644 {_NEW} && mv -f {_NEW} {_CF}",
    )


def check_commands(policy: Policy, options: tuple[Section, ...]) -> tuple[str, ...]:
    """Return the lines that fail where sendmail.cf, a table, a certificate or a key is not as it must be.

    The last one asks the server itself: with a file that is missing or readable by too many, it offers no STARTTLS and says nothing.
    """
    values = [f"O {OPTIONS[s.name]}={s.value}" for section in options for s in section.settings if s.name in OPTIONS]
    lines = " ".join(shlex.quote(value) for value in values)
    recipient = r".D{server_addr}192.0.2.1\ntlsconf_tls_rcpt user@tlsconf.invalid\n"
    sender = r".D{client_addr}192.0.2.1\ntlsconf_mail user@tlsconf.invalid\n"
    trouble = r"map file\|TMPF\|can not be read\|undefined"
    commands = [
        f"sendmail -C {_CF} -bC",
        f'(for line in {lines}; do grep -qxF "$line" {_CF} || {{ echo "not in force: $line" >&2; exit 1; }}; done)',
        f"! grep -qi '^O UseCompressedIPv6Addresses=t' {_CF}",
        f"! printf '{recipient}{sender}' | sendmail -C {_CF} -bt 2>&1 | grep -i '{trouble}'",
    ]
    for certificate in policy.server.certificates:
        chain, key = shlex.quote(certificate.chain), shlex.quote(certificate.key)
        commands.append(f'test "$(openssl x509 -noout -pubkey -in {chain})" = "$(openssl pkey -pubout -in {key})"')
    if policy.outbound.trust_anchors is not None:
        commands.append(f"openssl x509 -noout -in {shlex.quote(policy.outbound.trust_anchors)}")
    offered = "" if policy.inbound.tls is not Level.NONE else "! "
    talk = "{ sleep 3; printf 'EHLO localhost\\r\\n'; sleep 2; printf 'QUIT\\r\\n'; }"
    commands.append(f"{offered}{talk} | sendmail -C {_CF} -Am -bs | grep -q '^250-STARTTLS'")
    return tuple(commands)


def notes(target: Target, known: Facts) -> tuple[str, ...]:
    """Return what an administrator should know."""
    lines = [
        "A rule with `senders` also refuses mail of that sender that somebody else forwards without TLS.",
        "The site's own LOCAL_TLS_RCPT, LOCAL_TLS_CLIENT, LOCAL_TRY_TLS and Local_check_mail go on working beside those of tlsconf.",
        "`WARNING: Ruleset Local_check_mail has multiple definitions` says only that the site has such a ruleset too.",
        "A key must belong to root and be readable by nobody else; Sendmail then offers STARTTLS, and otherwise it does not.",
        "While a table is missing, mail is held and refused for the time being: make the tables again.",
        "A domain of more than 100 labels is refused, as Sendmail stops a ruleset after 100 rounds.",
    ]
    if known.newer_than_known:
        lines.insert(0, f"warning: Sendmail {target.release.text} is newer than any release known here, and is treated as 8.18")
    return tuple(lines)
