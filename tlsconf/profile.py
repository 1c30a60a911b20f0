"""The profile language, version 1, as written: pydantic models, nothing resolved."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from tlsconf.diagnostics import Finding
    from tlsconf.document import Document

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]*$"
HOST_PATTERN: Final = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
RELEASE_PATTERN: Final = r"^[0-9]{1,4}(\.[0-9]{1,4}){1,3}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]
Many = Field(strict=False)  # a YAML list for a tuple; its items stay strict


UNSAID: Final[Any] = None  # keys may be left out; `null` in their place is an error, as it would hide a mistake


def _only(*, expected: Any) -> BeforeValidator:
    """Return a check that tells 1 from `true` and 1.0, which Python takes for equal."""

    def judge(value: Any) -> Any:
        if type(value) is not type(expected):
            kind = "literal_error"
            raise PydanticCustomError(kind, "another type", {"expected": str(expected).lower()})
        return value

    return BeforeValidator(judge)


One = Annotated[Literal[1], _only(expected=1)]
True_ = Annotated[Literal[True], _only(expected=True)]


def _form(value: Any) -> str:
    return "<mapping>" if isinstance(value, (dict, BaseModel)) else "<plain>"


class Strict(BaseModel):
    """What all parts of a profile share: no unknown keys, no conversion of types, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Reference(Strict):
    """Entries from elsewhere: exactly one of the two keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    list: Name = Field(UNSAID, description="The name of a list under `lists`.")
    file: Text = Field(UNSAID, description="A path, relative to the file that names it; one entry a line, `#` begins a comment.")


Item = Annotated[Annotated[str, Tag("<plain>")] | Annotated[Reference, Tag("<mapping>")], Discriminator(_form)]


class ItemsEdit(Strict):
    """A change to a list of the base profile."""

    add: Annotated[tuple[Item, ...], Many] = Field((), description="Entries put behind those of the base.")
    remove: Annotated[tuple[Item, ...], Many] = Field((), description="Entries of the base that are taken out.")


class WordsEdit(Strict):
    """A change to a list of words of the base profile."""

    add: Annotated[tuple[str, ...], Many] = Field((), description="Entries put behind those of the base.")
    remove: Annotated[tuple[str, ...], Many] = Field((), description="Entries of the base that are taken out.")


Items = Annotated[
    Annotated[tuple[Item, ...], Many, Tag("<plain>")] | Annotated[ItemsEdit, Tag("<mapping>")],
    Discriminator(_form),
]
Words = Annotated[
    Annotated[tuple[str, ...], Many, Tag("<plain>")] | Annotated[WordsEdit, Tag("<mapping>")],
    Discriminator(_form),
]
VersionName = Literal["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
LevelName = Literal["none", "opportunistic", "required"]
VerifyName = Literal["none", "hostname", "dane"]
TargetName = Literal["postfix", "exim", "sendmail"]
PlatformName = Literal[
    "debian-11", "debian-12", "debian-13", "debian-14", "ubuntu-22.04", "ubuntu-24.04", "rhel-8", "rhel-9", "rhel-10", "freebsd"
]  # fmt: skip


class Accept(Strict):
    """A limitation that stops the render unless it is taken into account here."""

    id: Text = Field(description="The limitation's id, as `tlsconf limitations` lists it.")
    rules: Annotated[tuple[Name, ...], Many] = Field((), description="The rules it is accepted for; left out: the defaults only.")
    reason: Text = Field(description="Why, for the people who review the profile.")


class AcceptEdit(Strict):
    """A change to the acceptances of the base profile."""

    add: Annotated[tuple[Accept, ...], Many] = Field((), description="Acceptances put behind those of the base.")
    remove: Annotated[tuple[Accept, ...], Many] = Field((), description="Acceptances of the base that are taken out.")


Acceptances = Annotated[
    Annotated[tuple[Accept, ...], Many, Tag("<plain>")] | Annotated[AcceptEdit, Tag("<mapping>")],
    Discriminator(_form),
]


class Keep(Strict):
    """What a site's own Postfix lists hold, put behind ours."""

    smtpd_sender_restrictions: Words = Field(UNSAID, description="Restrictions of the site.")
    smtpd_client_restrictions: Words = Field(UNSAID, description="Restrictions of the site.")
    smtpd_restriction_classes: Words = Field(UNSAID, description="Restriction classes of the site.")
    smtp_tls_policy_maps: Words = Field(UNSAID, description="Policy tables of the site.")


class PostfixTarget(Strict):
    """Details of the Postfix target."""

    release: Annotated[str, Field(pattern=RELEASE_PATTERN)] = Field(UNSAID, description='The release, quoted: "3.7" or "3.7.11".')
    map_type: Annotated[str, Field(pattern=r"^[a-z]+$")] = Field(
        UNSAID, description="The type of the outbound table: `texthash`, `lmdb`, …"
    )
    keep: Keep = Field(UNSAID, description="What the site's own lists hold.")
    accept: Acceptances = Field(UNSAID, description="Limitations taken into account.")


class EximTarget(Strict):
    """Details of the Exim target."""

    release: Annotated[str, Field(pattern=RELEASE_PATTERN)] = Field(UNSAID, description='The release, quoted: "4.96".')
    tls_library: Literal["gnutls", "openssl"] = Field(UNSAID, description="What `exim -bV` names.")
    layout: Literal["debian", "generic"] = Field(UNSAID, description="Where the files lie.")
    accept: Acceptances = Field(UNSAID, description="Limitations taken into account.")


class SendmailTarget(Strict):
    """Details of the Sendmail target."""

    release: Annotated[str, Field(pattern=RELEASE_PATTERN)] = Field(UNSAID, description='The release, quoted: "8.17.1".')
    map_type: Annotated[str, Field(pattern=r"^[a-z]+$")] = Field(UNSAID, description="The type of the tables: `hash`, `btree`, …")
    accept: Acceptances = Field(UNSAID, description="Limitations taken into account.")


class TargetDetails(Strict):
    """Servers to render for, with details."""

    postfix: PostfixTarget | None = Field(None, description="Postfix.")
    exim: EximTarget | None = Field(None, description="Exim.")
    sendmail: SendmailTarget | None = Field(None, description="Sendmail.")


Targets = Annotated[
    Annotated[tuple[TargetName, ...], Many, Tag("<plain>")] | Annotated[TargetDetails, Tag("<mapping>")],
    Discriminator(_form),
]


class CertificatePaths(Strict):
    """A certificate that the server presents."""

    chain: Text = Field(description="Path of the PEM chain, leaf first; `{hostname}` stands for the host's name.")
    key: Text = Field(description="Path of its private key.")


class CertificatesEdit(Strict):
    """A change to the certificates of the base profile."""

    add: Annotated[tuple[CertificatePaths, ...], Many] = Field((), description="Certificates put behind those of the base.")
    remove: Annotated[tuple[CertificatePaths, ...], Many] = Field((), description="Certificates of the base that are taken out.")


Certificates = Annotated[
    Annotated[tuple[CertificatePaths, ...], Many, Tag("<plain>")] | Annotated[CertificatesEdit, Tag("<mapping>")],
    Discriminator(_form),
]


class ServerPart(Strict):
    """The host: its name and its certificates."""

    hostname: Text = Field(UNSAID, description="The host's name in DNS.")
    certificates: Certificates = Field(UNSAID, description="What it presents, preferred first.")


class HostPart(ServerPart):
    """One host of several: it overrides `server`, `platform` and `targets`."""

    platform: PlatformName = Field(UNSAID, description="The host's platform.")
    targets: Targets = Field(UNSAID, description="The host's servers.")


class SessionPart(Strict):
    """What a TLS session may be."""

    minimum_version: VersionName = Field(UNSAID, description="The lowest version.")
    cipher_suites: Words = Field(UNSAID, description="IANA names, preferred first; TLS 1.3 suites in the same list.")
    groups: Words = Field(UNSAID, description="IANA names of key-exchange groups, preferred first.")
    prefer_server_order: bool = Field(UNSAID, description="Whether the server's order decides.")


class TlsPart(SessionPart):
    """What a TLS session may be where TLS is required, and, under `opportunistic`, where nobody requires it."""

    opportunistic: SessionPart = Field(UNSAID, description="Overrides for sessions that nobody requires.")


class OutboundRulePart(Strict):
    """A rule for receiving hosts."""

    name: Name = Field(description="The rule's name.")
    domains: Items = Field(UNSAID, description="Patterns of the recipient's domain: `example.com`, `*.example.com`.")
    next_hops: Items = Field(UNSAID, description="Fixed next hops: `[host]` or `[host]:port`.")
    tls: LevelName = Field(UNSAID, description="With these, TLS is…")
    verify: VerifyName = Field(UNSAID, description="How the host proves who it is; default: that of `outbound`.")
    minimum_version: VersionName = Field(UNSAID, description="The rule's own floor.")
    mx: Items = Field(UNSAID, description="Names the certificate may be for, instead of the name that DNS gave.")
    remove: True_ = Field(UNSAID, description="Takes the base's rule of this name out.")


class OutboundPart(Strict):
    """Mail that the site sends."""

    trust_anchors: Text = Field(UNSAID, description="Path of the PEM file of trusted certification authorities.")
    smarthost: Text | None = Field(None, description='`"[relay.example]:587"`: everything goes there; it sets no routing.')
    tls: LevelName = Field(UNSAID, description="For every destination that no rule names.")
    verify: VerifyName = Field(UNSAID, description="For every destination that no rule names.")
    rules: Annotated[tuple[OutboundRulePart, ...], Many] = Field(UNSAID, description="The rules.")


class InboundRulePart(Strict):
    """A rule that requires TLS of senders or clients."""

    name: Name = Field(description="The rule's name.")
    senders: Items = Field(UNSAID, description="Patterns of the envelope sender's domain.")
    clients: Items = Field(UNSAID, description="Addresses and networks of connecting clients.")
    tls: Literal["required"] = Field(UNSAID, description="Inbound rules require TLS.")
    minimum_version: VersionName = Field(UNSAID, description="The rule's own floor.")
    on_plaintext: Literal["reject", "defer"] = Field(UNSAID, description="The answer to clear text: 530 (default) or 4xx.")
    remove: True_ = Field(UNSAID, description="Takes the base's rule of this name out.")


class InboundPart(Strict):
    """Mail that the site receives."""

    tls: LevelName = Field(UNSAID, description="For every client that no rule names.")
    exempt_clients: Items = Field(UNSAID, description="Clients that no requirement touches.")
    rules: Annotated[tuple[InboundRulePart, ...], Many] = Field(UNSAID, description="The rules.")


class Profile(Strict):
    """A profile as one file says it."""

    tlsconf: One = Field(description="The version of this language.")
    name: Name = Field(description="The profile's name.")
    description: str = Field(UNSAID, description="One line for people.")
    extends: Text = Field(UNSAID, description="A shipped profile, `NAME` or `NAME@EDITION`, or a path such as `./base.yaml`.")
    overlays: Literal["stronger"] = Field(UNSAID, description="What profiles that extend this one may do to it: only strengthen it.")
    exceptions: Text = Field(UNSAID, description="A path, relative to this file: who may weaken it nevertheless, and until when.")
    platform: PlatformName = Field(UNSAID, description="Default release, TLS library and layout of each target.")
    targets: Targets = Field(UNSAID, description="Which servers to render for: names, or a mapping with details.")
    server: ServerPart = Field(UNSAID, description="The host.")
    hosts: dict[Annotated[str, Field(pattern=HOST_PATTERN, max_length=253)], HostPart] = Field(
        UNSAID, description="One rendering per host named here."
    )
    tls: TlsPart = Field(UNSAID, description="What a TLS session may be.")
    lists: dict[Name, Items] = Field(UNSAID, description="Named lists, for rules in both directions.")
    outbound: OutboundPart = Field(UNSAID, description="Mail that the site sends.")
    inbound: InboundPart = Field(UNSAID, description="Mail that the site receives.")


def check(document: "Document", findings: "list[Finding]") -> "Document":
    """Hold a document against the language: every mistake is added to `findings` and left out of the document that is returned."""
    try:
        Profile.model_validate(document.data)
    except ValidationError as error:
        from tlsconf.complaints import without_mistakes

        return without_mistakes(document, error, findings)
    return document


def json_schema() -> dict[str, Any]:
    """Return the language as JSON Schema (draft 2020-12)."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "tlsconf profile, version 1"}
    schema: dict[str, Any] = _strict(Profile.model_json_schema())
    return {**schema, **head}


def _strict(schema: Any) -> Any:
    """Take out `null` as a default, and let a mapping whose names have a pattern take no other names."""
    if isinstance(schema, dict):
        found = {key: _strict(value) for key, value in schema.items() if not (key == "default" and value is None)}
        return {**found, "additionalProperties": False} if "patternProperties" in found else found
    return [_strict(item) for item in schema] if isinstance(schema, list) else schema
