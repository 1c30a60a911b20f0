"""Certificates, keys and trust anchors as sites really have them, judged by OpenSSL; no key is ever shown."""

from __future__ import annotations

import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab.certificates import Authority, self_signed
from tests.policies import make_policy
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.machine import Machine
from tlsconf.live.requirements import inspect_requirements
from tlsconf.plan import Requirement
from tlsconf.policy import Certificate, Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.live.discrepancy import Discrepancy

NAME: Final = "mx.sample.example"
AUTHORITY: Final = Authority()
GOOD: Final = AUTHORITY.issue(NAME)
OTHER: Final = AUTHORITY.issue(NAME)
SELF: Final = pwd.getpwuid(os.geteuid()).pw_name
NOW: Final = datetime.now(UTC)
DAY: Final = timedelta(days=1)
needs_root: Final = pytest.mark.skipif(os.geteuid() != 0, reason="other users: only root can")


class Files(NamedTuple):
    """A chain, a key and trust anchors on the disk of this machine."""

    folder: Path

    def put(self, name: str, text: str, mode: int = 0o600) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def found(
        self,
        chain: str = GOOD.chain,
        key: str = GOOD.key,
        anchors: str | None = AUTHORITY.pem,
        *,
        hostname: str | None = NAME,
        mode: int = 0o600,
        reader: str = SELF,
    ) -> list[Discrepancy]:
        """Return what is found of one certificate."""
        pair = Certificate(self.put("chain.pem", chain, 0o644), self.put("key.pem", key, mode))
        trusted = None if anchors is None else self.put("anchors.pem", anchors, 0o644)
        return self.judged([pair], trusted, hostname=hostname, reader=reader)

    def judged(
        self, pairs: Sequence[Certificate], anchors: str | None = None, *, hostname: str | None = NAME, reader: str = SELF
    ) -> list[Discrepancy]:
        """Return what is found of certificates and anchors that lie there, and nothing secret among it."""
        paths = [*(path for pair in pairs for path in pair), *([anchors] if anchors is not None else [])]
        policy = make_policy(server=Server(hostname, tuple(pairs)), outbound_trust_anchors=anchors)
        found = list(inspect_requirements(Machine(Path("/")), policy, tuple(Requirement(path, reader) for path in paths)))
        secrets = [line for pair in pairs if Path(pair.key).is_file() for line in Path(pair.key).read_text("latin-1").splitlines()]
        assert not [line for line in secrets if len(line) > 20 and "-----" not in line and line in str(found)]
        return found


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def ids(found: Sequence[Discrepancy]) -> list[str]:
    return [item.id for item in found]


def made(key: rsa.RSAPrivateKey, *, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH, begin: datetime = NOW - DAY) -> str:
    """Return a self-signed certificate for a key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 30 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def pem(key: rsa.RSAPrivateKey, encryption: serialization.KeySerializationEncryption | None = None) -> str:
    """Return a key in PEM."""
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, encryption or serialization.NoEncryption()).decode()


# --- fine ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostname", [NAME, None])
def test_what_is_fine_is_not_mentioned(files: Files, hostname: str | None) -> None:
    assert files.found(hostname=hostname) == []


def test_without_anchors_nobody_asks_who_trusts_it(files: Files) -> None:
    pair = self_signed(NAME)
    assert files.found(pair.chain, pair.key, None) == []


def test_two_kinds_of_certificates(files: Files) -> None:
    elliptic = AUTHORITY.issue(NAME, elliptic=True)
    pairs = [
        Certificate(files.put("rsa.pem", GOOD.chain), files.put("rsa.key", GOOD.key)),
        Certificate(files.put("ec.pem", elliptic.chain), files.put("ec.key", elliptic.key)),
    ]
    anchors = files.put("anchors.pem", AUTHORITY.pem)
    assert files.judged(pairs, anchors) == []
    crossed = [Certificate(pairs[0].chain, pairs[1].key), Certificate(pairs[1].chain, pairs[0].key)]
    assert [(item.id, item.path) for item in files.judged(crossed, anchors)] == [
        ("certificate-key-mismatch", pairs[0].chain),
        ("certificate-key-mismatch", pairs[1].chain),
    ]


def test_a_name_in_another_script_and_a_wildcard(files: Files) -> None:
    pair = AUTHORITY.issue("bücher.example", "*.sample.example")
    assert files.found(pair.chain, pair.key, hostname="xn--bcher-kva.example") == []
    assert files.found(pair.chain, pair.key, hostname=NAME) == []
    assert ids(files.found(pair.chain, pair.key, hostname="a.mx.sample.example")) == ["certificate-other-name"]


def test_text_around_the_certificates_is_none_of_our_business(files: Files) -> None:
    assert files.found("subject=CN = Bücher\n" + GOOD.chain + "\nend\n", "key of Bücher\n" + GOOD.key) == []
    both = files.put("both.pem", GOOD.key + GOOD.chain)
    assert files.judged([Certificate(both, both)]) == []


# --- files -----------------------------------------------------------------------------------------------------------


def test_each_missing_path_is_named_once(files: Files) -> None:
    missing = str(files.folder / "missing.pem")
    found = files.judged([Certificate(missing, files.put("key.pem", GOOD.key))], missing + "2")
    assert [(item.id, item.severity, item.path) for item in found] == [
        ("path-missing", "error", missing),
        ("path-missing", "error", missing + "2"),
    ]


def test_a_folder_or_a_pipe_is_no_file(files: Files) -> None:
    pipe = files.folder / "pipe"
    os.mkfifo(pipe)
    found = files.judged([Certificate(str(files.folder), str(pipe))], str(files.folder))
    assert [(item.id, item.message, item.path) for item in found] == [
        ("path-missing", "it is no file", str(files.folder)),
        ("path-missing", "it is no file", str(pipe)),
        ("path-missing", "it is no file", str(files.folder)),
    ]


@needs_root
def test_the_user_of_the_server_must_be_able_to_read(files: Files) -> None:
    found = files.found(reader="nobody")
    assert ids(found) == ["path-unreadable"] * 3
    assert found[1].message == "nobody can't read it"
    assert found[1].path == str(files.folder / "key.pem")


@needs_root
def test_a_user_that_is_not_there(files: Files) -> None:
    found = files.found(anchors=None, reader="no-such-user")
    assert ids(found) == ["user-missing"] * 2
    assert "no-such-user" in found[0].message


def test_what_only_root_can_find_out(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(EnvironmentFailedError, match=r"chain\.pem: only root can find out whether root can read it: run tlsconf as root$"):
        files.found(reader="root")


@pytest.mark.parametrize(("mode", "expected"), [(0o640, []), (0o660, []), (0o644, ["key-exposed"]), (0o602, ["key-exposed"])])
def test_a_key_that_everybody_can_reach(files: Files, mode: int, expected: list[str]) -> None:
    found = files.found(mode=mode)
    assert ids(found) == expected
    assert [(item.severity, item.path, item.remedy) for item in found] == [
        ("error", str(files.folder / "key.pem"), f"chmod o= {files.folder / 'key.pem'}") for _ in expected
    ]


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_key_of_another_certificate(files: Files) -> None:
    (found,) = files.found(key=OTHER.key)
    assert (found.id, found.severity, found.path) == ("certificate-key-mismatch", "error", str(files.folder / "chain.pem"))
    assert str(files.folder / "key.pem") in found.message


@pytest.mark.parametrize(
    ("chain", "key"),
    [
        ("", GOOD.key),
        (GOOD.chain, ""),
        ("nonsense", "nonsense"),
        (GOOD.chain[:200], GOOD.key),
        (GOOD.chain, GOOD.key[:200]),
        (GOOD.key, GOOD.chain),
    ],
    ids=["no chain", "no key", "nonsense", "half a chain", "half a key", "exchanged"],
)
def test_what_is_not_pem(files: Files, chain: str, key: str) -> None:
    assert [(item.id, item.severity) for item in files.found(chain, key)] == [("certificate-unusable", "error")]


def test_a_key_with_a_password(files: Files) -> None:
    key = serialization.load_pem_private_key(GOOD.key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    (found,) = files.found(key=pem(key, serialization.BestAvailableEncryption(b"secret")))
    assert (found.id, found.severity, found.path) == ("key-encrypted", "error", str(files.folder / "key.pem"))


def test_a_key_that_is_too_short(files: Files) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    (found,) = files.found(made(key), pem(key))
    assert (found.id, found.severity) == ("certificate-unusable", "error")
    assert found.message.endswith(": ee key too small")


def test_a_certificate_that_is_for_no_server(files: Files) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (found,) = files.found(made(key, usage=ExtendedKeyUsageOID.CLIENT_AUTH), pem(key), None)
    assert found.id == "certificate-unusable"
    assert "purpose" in found.message


def test_an_expired_certificate_is_said_once(files: Files) -> None:
    pair = AUTHORITY.issue(NAME, expired=True)
    (found,) = files.found(pair.chain, pair.key)
    assert (found.id, found.severity, found.path) == ("certificate-expired", "error", str(files.folder / "chain.pem"))


def test_a_certificate_of_tomorrow(files: Files) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert [(item.id, item.severity) for item in files.found(made(key, begin=NOW + DAY), pem(key), None)] == [
        ("certificate-not-yet-valid", "error")
    ]


def test_a_certificate_for_another_name(files: Files) -> None:
    (found,) = files.found(hostname="mx2.sample.example")
    assert (found.id, found.severity) == ("certificate-other-name", "error")
    assert "mx2.sample.example" in found.message


# --- trust -----------------------------------------------------------------------------------------------------------


def test_a_certificate_that_signed_itself(files: Files) -> None:
    pair = self_signed(NAME)
    (found,) = files.found(pair.chain, pair.key)
    assert (found.id, found.severity) == ("certificate-untrusted", "warning")
    assert found.message.endswith("it is self-signed")
    assert files.found(pair.chain, pair.key, pair.chain) == []


def test_a_chain_that_lacks_its_middle(files: Files) -> None:
    root = trustme.CA()
    leaf = root.create_child_ca().issue_cert(NAME)
    key, anchors = leaf.private_key_pem.bytes().decode(), root.cert_pem.bytes().decode()
    parts = [blob.bytes().decode() for blob in leaf.cert_chain_pems]
    assert len(parts) == 2
    assert files.found("".join(parts), key, anchors) == []
    (found,) = files.found(parts[0], key, anchors)
    assert (found.id, found.severity) == ("certificate-untrusted", "warning")
    assert found.message.endswith("is an intermediate certificate missing?")
    (found,) = files.found("".join(reversed(parts)), key, anchors)
    assert found.id == "certificate-key-mismatch"


def test_a_chain_to_another_root(files: Files) -> None:
    (found,) = files.found(GOOD.chain + AUTHORITY.pem, anchors=trustme.CA().cert_pem.bytes().decode())
    assert (found.id, found.severity) == ("certificate-untrusted", "warning")
    assert found.message.endswith("its chain ends in another root")


@pytest.mark.parametrize("anchors", ["", "\n# none\n", GOOD.key, AUTHORITY.pem[:300]], ids=["empty", "comment", "a key", "cut off"])
def test_anchors_without_a_certificate(files: Files, anchors: str) -> None:
    (found,) = files.found(anchors=anchors)
    assert (found.id, found.severity, found.path) == ("anchors-unusable", "error", str(files.folder / "anchors.pem"))


def test_several_anchors(files: Files) -> None:
    others = [trustme.CA().cert_pem.bytes().decode() for _ in range(2)]
    assert files.found(anchors="".join([*others, AUTHORITY.pem])) == []
