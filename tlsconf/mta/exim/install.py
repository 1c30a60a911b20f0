"""How the files are installed: edits of the site's own files, and shell lines."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Final, Literal

from tlsconf.mta.exim.releases import KNOWN
from tlsconf.plan import SiteEdit
from tlsconf.policy import Level, Verify

if TYPE_CHECKING:
    from tlsconf.mta.exim.releases import Facts, Layout
    from tlsconf.plan import PlannedFile, Requirement
    from tlsconf.policy import Policy, Target

_TEMPLATE: Final = "/etc/exim4/exim4.conf.template"
_PARTS: Final = "/etc/exim4/conf.d"


# The stock configuration sets `tls_verify_hosts` of its smarthost transport itself (the macro has a default), which our fragment sets too.
_STOCK_VERIFY: Final = "REMOTE_SMTP_SMARTHOST_TLS_VERIFY_HOSTS"


# `address_data` of a router for fixed routes: tells transports that the next hop decides, not the domain. Where such a router leaves a
# domain to a later one, it stays set, and a transport can't tell: before 4.98, `$router_name` is empty there.
FIXED_ROUTE: Final = "tlsconf_next_hop"


def site_edits(known: Facts) -> tuple[SiteEdit, ...]:
    """Return the lines to add to Debian's stock configuration, single-file and split; other layouts have no stock that is known."""
    if not known.debian:
        return ()
    folder = known.layout.folder
    # A transport's private options must come after its `driver`.
    edits: tuple[tuple[str, str, Literal["before", "after"], str], ...] = (
        ("main/01_exim4-config_listmacrosdefs", r"^exim_path = ", "after", f".include {folder}/main"),
        ("acl/30_exim4-config_check_mail", r"^acl_check_mail:", "after", f".include {folder}/acl_mail"),
        ("router/150_exim4-config_hubbed_hosts", r"^hubbed_hosts:", "after", f"  address_data = {FIXED_ROUTE}"),
        ("transport/30_exim4-config_remote_smtp", r"^\.ifdef REMOTE_SMTP_HOSTS_AVOID_TLS$", "before", f".include {folder}/transport_smtp"),
        (
            "transport/30_exim4-config_remote_smtp_smarthost",
            r"^\.ifdef REMOTE_SMTP_SMARTHOST_HOSTS_AVOID_TLS$",
            "before",
            f".include {folder}/transport_smarthost",
        ),
        (
            "transport/30_exim4-config_remote_smtp_smarthost",
            rf"^  tls_verify_hosts = {_STOCK_VERIFY}$",
            "before",
            ".ifndef TLSCONF_HOP",
        ),
        (
            "transport/30_exim4-config_remote_smtp_smarthost",
            rf"^  tls_verify_hosts = {_STOCK_VERIFY}$",
            "after",
            ".endif TLSCONF_HOP",
        ),
    )
    return tuple(SiteEdit(file, anchor, where, line) for part, anchor, where, line in edits for file in (_TEMPLATE, f"{_PARTS}/{part}"))


def check(known: Facts, requires: tuple[Requirement, ...], files: tuple[PlannedFile, ...], *, offers_tls: bool) -> tuple[str, ...]:
    """Return the lines that fail before anything is activated: `exim -bV` accepts what only a connection finds to be wrong."""
    layout = known.layout
    paths = (*(needed.path for needed in requires), *(str(file.destination) for file in files))
    return (
        *(_readable(path, layout) for path in paths),
        *((_NO_STOCK_TLS, _parses(layout), _ours(layout)) if known.debian else (f"{layout.program} -bV",)),
        _listens(layout, offers_tls=offers_tls),
    )


def _readable(path: str, layout: Layout) -> str:
    test = f"test -r {quote(path)}"
    as_user = f"runuser -u {layout.user} -- {test}" if layout.user != "mailnull" else f"su -m {layout.user} -c {quote(test)}"
    return f"{as_user} || {{ echo {quote(f'{path}: {layout.user} can not read it')} >&2; exit 1; }}"


_NO_STOCK_TLS: Final = (
    f"! grep -Rqs '^[[:space:]]*MAIN_TLS_ENABLE' {_TEMPLATE} {_PARTS} /etc/exim4/exim4.conf.localmacros /etc/exim4/update-exim4.conf.conf"
    " || { echo 'MAIN_TLS_ENABLE sets options that tlsconf sets: remove it' >&2; exit 1; }"
)

# A file of its own, so that nothing changes for the running server.
_TRIAL: Final = 'd=$(mktemp -d) && chmod 711 "$d" && update-exim4.conf -o "$d/conf" && chmod 644 "$d/conf"'


def _parses(layout: Layout) -> str:
    return f'{_TRIAL} && {layout.program} -C "$d/conf" -bV; r=$?; rm -rf "$d"; exit $r'


def _ours(layout: Layout) -> str:
    """Return a line that fails where another line of the site has taken the place of ours: from 4.100 the last one silently wins."""
    wanted = " ".join(f"{transport}:{option}" for transport in _TRANSPORTS for option in _OPTIONS)
    return (
        f'{_TRIAL} || exit 1; r=0; for o in {wanted}; do {layout.program} -C "$d/conf" -bP transport "${{o%:*}}" | '
        f'grep -q "^${{o#*:}} = .*{layout.folder}/" || {{ echo "$o is not what tlsconf sets" >&2; r=1; }}; done; rm -rf "$d"; exit $r'
    )


_TRANSPORTS: Final = ("remote_smtp", "remote_smtp_smarthost")
_OPTIONS: Final = ("hosts_avoid_tls", "hosts_require_tls", "tls_verify_hosts", "tls_require_ciphers", "event_action")


def _listens(layout: Layout, *, offers_tls: bool) -> str:
    """Return a line that starts a daemon on a loopback port for some seconds, and makes a TLS session where there is an openssl program.

    Exim's own `readsocket` with `tls=yes` would need no other program, but dies of it in 4.94 and 4.96.
    """
    trial, conf = (_TRIAL, ' -C "$d/conf"') if layout.configure else ("d=$(mktemp -d)", "")
    program = f"{layout.program}{conf}"
    # QUIT comes before the greeting, which Exim may answer with 554: that it answers is what counts.
    asked = f"timeout 10 {program} -be '${{readsocket{{inet:127.0.0.1:'\"$p\"'}}{{QUIT\\r\\n}}{{8s}}}}'"
    session = (
        "! command -v openssl >/dev/null || timeout 10 openssl s_client -starttls smtp -connect 127.0.0.1:$p </dev/null 2>&1 | "
        "grep -q 'BEGIN CERTIFICATE' || a=; "
        if offers_tls
        else ""
    )
    return (
        f"{trial} || exit 1; p=$((20000 + $$ % 20000)); "
        f'timeout 20 {program} -bdf -oX "127.0.0.1.$p" -oP "$d/pid" & n=$!; sleep 2; a=$({asked}); {session}'
        'kill $n; wait $n; rm -rf "$d"; '
        "case $a in 220*|554*) ;; *) echo 'no daemon or no TLS session with this configuration: see the main log' >&2; exit 1;; esac"
    )


def activate(known: Facts) -> tuple[str, ...]:
    """Return the lines that put the files in force."""
    return (*((known.layout.configure,) if known.layout.configure else ()), known.layout.reload)


def rollback(known: Facts) -> tuple[str, ...]:
    """Return the lines that bring back what was there before: the files of the last time, or none and no edits."""
    folder = known.layout.folder
    restore = f"rm -rf {folder} && mv {folder}.previous {folder}"
    if not known.debian:
        return (f"if [ -d {folder}.previous ]; then {restore}; else echo 'take the .include lines out' >&2; exit 1; fi", *activate(known))
    edited = " ".join(dict.fromkeys(edit.file for edit in site_edits(known)))
    lines = (rf"^\.include {folder}/.*", r"^\.ifndef TLSCONF_HOP", r"^\.endif TLSCONF_HOP", rf"^  address_data = {FIXED_ROUTE}")
    out = "sed -i " + " ".join("-e " + quote(rf"\|{line}$|d") for line in lines) + f" {edited}"
    return (f"if [ -d {folder}.previous ]; then {restore}; else {out}; fi", *activate(known))


def notes(policy: Policy, target: Target, known: Facts) -> tuple[str, ...]:
    """Return what an administrator should know about this output."""
    layout = known.layout
    found = []
    if known.newer_than_known:
        found.append(f"warning: Exim {target.release.text} is newer than any release known here; it is treated as {KNOWN[-1]}")
    if known.debian:
        found.append("If /etc/exim4/exim4.conf exists, Debian's own files are not used: add the .include lines there, by hand.")
    else:
        found += _generic_notes(layout)
    found.append(
        f"A route to a fixed host follows the rules for next hops where its transport has `.include {layout.folder}/transport_smarthost`,"
        f" or its router has `address_data = {FIXED_ROUTE}`" + (", as hubbed_hosts has." if known.debian else ".")
    )
    found.append(
        f"A router with `address_data = {FIXED_ROUTE}` needs `domains` of its own: exactly those that it has hosts for"
        + (", as hubbed_hosts has" if known.debian else "")
        + ". It must not leave one to a later router (`self = pass`, `host_find_failed = pass` or `decline`, `pass_on_timeout`):"
        " `address_data` stays set there, the domain's rule is not asked, and mail that requires TLS may go in clear text."
    )
    if any(rule.senders for rule in policy.inbound.rules):
        found.append("A sender rule also refuses mail of that sender that somebody forwards without TLS.")
    if Verify.DANE in {policy.outbound.verify, *(rule.verify for rule in policy.outbound.rules)}:
        found.append("DANE needs a validating resolver that /etc/resolv.conf trusts (`options trust-ad`), and `dns_dnssec_ok = 1`.")
    if policy.inbound.tls is not Level.NONE and not policy.server.certificates:
        found.append("The profile names no certificate: Exim makes one of its own for each connection.")
    found.append("The transports' `event_action` and `authenticated_sender` are taken: what a site does there must be moved elsewhere.")
    found.append("Tables are read at each use: a changed table is in force as soon as it is copied.")
    return tuple(found)


def _generic_notes(layout: Layout) -> tuple[str, ...]:
    folder = layout.folder
    return (
        f"Add `.include {folder}/main` as the first line of the main section.",
        f"Add `.include {folder}/acl_mail` as the first line of the ACL that `acl_smtp_mail` names.",
        "Where `acl_smtp_mail` is not set, add `acl_smtp_mail = acl_check_mail`, and an ACL of that name with this line and `accept`.",
        f"Add `.include {folder}/transport_smtp` after the line `driver = smtp` of each transport that delivers by MX.",
        f"Add `.include {folder}/transport_smarthost` after that line of each transport that delivers to a fixed host.",
        "Take out of the same sections what the files set: Exim refuses an option that is set twice, and from 4.100 uses the last one.",
        "Take `tls_resumption_hosts` out of these transports: a resumed session keeps what an earlier rule agreed on.",
        "For DN= and CV= in the log: `log_selector = +tls_certificate_verified +tls_peerdn`.",
        f"Exim is taken to run as {layout.user}.",
    )
