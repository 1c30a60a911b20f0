"""The harness itself, with folders made by hand: it passes what is right, and it can fail."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.lab import roots, sandbox
from tests.lab.install import InstallError, edited, install
from tests.lab.sandbox import SandboxError
from tests.native import servers

if TYPE_CHECKING:
    from collections.abc import Callable

    Root = Callable[[str], Path]

CHAIN: Final = "/etc/ssl/tlsconf/chain.pem"
ANCHORS: Final = "/etc/ssl/certs/ca-certificates.crt"
KEY: Final = "/etc/ssl/tlsconf/key.pem"
POSTFIX: Final = [name for name in roots.SERVERS if name.startswith("postfix-")]
EXIM: Final = [name for name in roots.SERVERS if name.startswith("exim-")]
SENDMAIL: Final = [name for name in roots.SERVERS if name.startswith("sendmail-")]


def make_folder(folder: Path, target: str, files: dict[str, tuple[str, str]], reader: str = "root", **manifest: Any) -> Path:
    """Write a folder as `tlsconf render` would; `files` maps a path to its text and its destination."""
    entries = []
    for path, (text, destination) in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        entries.append({"path": path, "sha256": digest, "destination": destination, "owner": "root:root", "mode": "0644"})
    requires = [{"path": CHAIN, "readable_by": reader}, {"path": KEY, "readable_by": reader}]
    empty: dict[str, Any] = {"site_edits": [], "requires": requires, "compile": [], "check": []}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "target": target, "files": entries, **empty, **manifest}))
    return folder


def postfix_folder(folder: Path, **parameters: str) -> Path:
    values = {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_chain_files": f"{KEY}, {CHAIN}",
        "smtpd_tls_cert_file": "",  # Debian 11 and 12 set it
        "smtpd_tls_key_file": "",
        "smtp_tls_security_level": "may",
        "smtp_tls_policy_maps": "texthash:${config_directory}/tlsconf/outbound",
        **parameters,
    }
    main = "".join(f"{name} = {value}\n" for name, value in values.items())
    files = {"tlsconf/outbound": ("peer.example encrypt\n", "/etc/postfix/tlsconf/outbound")}
    (folder / "main.cf").write_text(main)
    return make_folder(folder, "postfix", files, compile=[f"postconf -e '{line}'" for line in main.splitlines()], check=["postfix check"])


def exim_folder(folder: Path, main: str, **manifest: Any) -> Path:
    """Set main options, in the split and in the single file."""
    text = f"tls_advertise_hosts = *\ntls_certificate = {CHAIN}\ntls_privatekey = {KEY}\n{main}\n"
    line = ".include /etc/exim4/tlsconf/main"
    edits = [
        {"file": "/etc/exim4/exim4.conf.template", "anchor": "^begin acl", "where": "before", "line": line},
        {"file": "/etc/exim4/conf.d/main/02_exim4-config_options", "anchor": "^#", "where": "end", "line": line},
    ]
    files = {"main": (text, "/etc/exim4/tlsconf/main")}
    return make_folder(folder, "exim", files, reader="Debian-exim", **{"site_edits": edits, "compile": ["update-exim4.conf"], **manifest})


def sendmail_folder(folder: Path, extra: str = "") -> Path:
    values = {"CACERT_PATH": "/etc/ssl/certs", "CACERT": ANCHORS, "SERVER_CERT": CHAIN, "SERVER_KEY": KEY}
    text = "".join(f"define(`conf{name}', `{value}')dnl\n" for name, value in values.items()) + extra
    line = "include(`/etc/mail/tlsconf/tlsconf.m4')dnl"
    edit = {"file": "/etc/mail/sendmail.mc", "anchor": "^MAILER_DEFINITIONS", "where": "before", "line": line}
    files = {"tlsconf.m4": (text, "/etc/mail/tlsconf/tlsconf.m4")}
    return make_folder(folder, "sendmail", files, site_edits=[edit], compile=["cd /etc/mail && m4 sendmail.mc > sendmail.cf"])


@pytest.mark.parametrize("build", POSTFIX)
def test_postfix_passes(tmp_path: Path, root: Root, build: str) -> None:
    run_postfix(root(build), postfix_folder(tmp_path))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_PATIENCE", 5.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("parameter", "value", "why"),
    [
        ("smtpd_tls_security_level", "mayy", 'fatal: Invalid TLS level "mayy"'),
        ("smtp_tls_security_level", "mayy", "smtp: bad command startup"),
        ("smtp_tls_mandatory_protocols", ">= TLSv1.9", "smtp.*Invalid TLS protocol list"),
        ("smtpd_tls_mandatory_protocols", ">= TLSv1.9", "smtpd.*Invalid TLS protocol list"),
        ("smtp_tls_policy_maps", "texthash:/absent", "client TLS configuration problem"),
        ("smtp_tls_sekurity_level", "may", "unused parameter"),
        ("smtpd_tls_chain_files", f"{CHAIN}, {KEY}", "key not first"),
        ("smtp_tls_CAfile", "/absent.pem", "smtp.*TLS library problem"),
    ],
)
def test_postfix_fails(tmp_path: Path, root: Root, parameter: str, value: str, why: str) -> None:
    with pytest.raises(servers.ServerError, match=why):
        run_postfix(root("postfix-debian-13"), postfix_folder(tmp_path, **{parameter: value}))


def test_postfix_values_are_compared(tmp_path: Path, root: Root) -> None:
    folder = postfix_folder(tmp_path)
    (folder / "main.cf").write_text("smtpd_tls_security_level = encrypt\n")
    with pytest.raises(servers.ServerError, match="'may', not 'encrypt'"):
        run_postfix(root("postfix-debian-13"), folder)


@pytest.mark.parametrize("split", [True, False], ids=["split", "single"])
@pytest.mark.parametrize("build", EXIM)
def test_exim_passes(tmp_path: Path, root: Root, build: str, split: bool) -> None:  # noqa: FBT001
    run_exim(root(build), exim_folder(tmp_path, ""), split=split)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("build", "wrong", "why"),
    [
        ("exim-debian-13", "tls_require_ciphers = garbage", r"gnutls_priority_init\(garbage\) failed"),
        ("exim-debian-13", "openssl_options = +no_tlsv1", "openssl_options is set but we're using GnuTLS"),
        ("exim-debian-13", "no_such_option = 1", "unknown"),
        ("exim-openssl", "tls_require_ciphers = garbage", "no cipher match"),
        ("exim-openssl", "tls_eccurve = garbage", "'starttls': 454"),
    ],
)
def test_exim_fails(tmp_path: Path, root: Root, build: str, wrong: str, why: str) -> None:
    with pytest.raises((SandboxError, servers.ServerError), match=why):
        run_exim(root(build), exim_folder(tmp_path, wrong), split=False)


@pytest.mark.parametrize("build", SENDMAIL)
def test_sendmail_passes(tmp_path: Path, root: Root, build: str) -> None:
    run_sendmail(root(build), sendmail_folder(tmp_path))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("define(`confCIPHER_LIST', `GARBAGE')dnl\n", "no cipher match"),
        ("LOCAL_CONFIG\nO NoSuchOption=1\n", "unknown option name NoSuchOption"),
        ("define(`confSERVER_KEY', `/absent.pem')dnl\n", "/absent.pem unsafe"),
    ],
    ids=["ciphers", "option", "key"],
)
def test_sendmail_fails(tmp_path: Path, root: Root, wrong: str, why: str) -> None:
    with pytest.raises((SandboxError, servers.ServerError), match=why):
        run_sendmail(root("sendmail-debian-13"), sendmail_folder(tmp_path, wrong))


def test_a_failing_check_command_fails(tmp_path: Path, root: Root) -> None:
    folder = exim_folder(tmp_path, "", check=["echo no >&2; false"])
    with sandbox.opened(root("exim-debian-13")) as box, pytest.raises(SandboxError, match="exited with 1\nno"):
        install(box, folder)


def test_a_changed_file_fails(tmp_path: Path, root: Root) -> None:
    folder = exim_folder(tmp_path, "")
    (folder / "main").write_text("changed\n")
    with sandbox.opened(root("exim-debian-13")) as box, pytest.raises(InstallError, match="not the file that the manifest names"):
        install(box, folder)


def test_an_unreadable_key_fails(tmp_path: Path, root: Root) -> None:
    requires = [{"path": "/etc/shadow", "readable_by": "Debian-exim"}]
    with sandbox.opened(root("exim-debian-13")) as box, pytest.raises(InstallError, match="can't read /etc/shadow"):
        install(box, exim_folder(tmp_path, "", requires=requires))


def test_the_root_stays_as_it_is_and_nothing_runs_on(root: Root) -> None:
    with sandbox.opened(root("postfix-debian-12")) as box:
        box.run("touch", "/etc/postfix/left-behind")
        box.start("sleep", "600", output="/dev/null")
        first = Path(f"/proc/{box.pid}")
        assert first.exists()
    assert not first.exists()
    assert not (root("postfix-debian-12") / "etc/postfix/left-behind").exists()


def test_a_sandbox_has_no_network(root: Root) -> None:
    with sandbox.opened(root("postfix-debian-12")) as box:
        assert [line.split(":")[0].strip() for line in box.read("/proc/net/dev").splitlines()[2:]] == ["lo"]


def test_a_program_is_bounded_in_time(root: Root) -> None:
    with sandbox.opened(root("postfix-debian-12")) as box, pytest.raises(SandboxError, match="took more than"):
        box.run("sleep", "600", timeout=0.2)


@pytest.mark.parametrize(
    ("where", "expected"), [("before", "x\nNEW\nanchor\ny\n"), ("after", "x\nanchor\nNEW\ny\n"), ("end", "x\nanchor\ny\nNEW\n")]
)
def test_site_edits_are_made_once(where: str, expected: str) -> None:
    edit = {"file": "f", "anchor": "^anchor$", "where": where, "line": "NEW"}
    assert edited("x\nanchor\ny\n", edit) == expected
    assert edited(expected, edit) == expected


@pytest.mark.parametrize("text", ["x\n", "anchor\nanchor\n"])
def test_site_edits_need_one_anchor(text: str) -> None:
    with pytest.raises(InstallError, match="lines match the anchor"):
        edited(text, {"file": "f", "anchor": "^anchor$", "where": "after", "line": "NEW"})


def run_postfix(root: Path, folder: Path) -> None:
    with sandbox.opened(root) as box:
        servers.check_postfix(box, folder, install(box, folder))


def run_exim(root: Path, folder: Path, *, split: bool) -> None:
    with sandbox.opened(root) as box:
        servers.choose_exim_mode(box, split=split)
        servers.check_exim(box, install(box, folder), split=split)


def run_sendmail(root: Path, folder: Path) -> None:
    with sandbox.opened(root) as box:
        servers.check_sendmail(box, install(box, folder))
