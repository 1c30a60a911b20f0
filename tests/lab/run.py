"""Runs a scenario on a build: what is rendered is installed, messages go both ways, and each cell is judged by the law."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab import certificates, client, limited, roots, sandbox, site, world
from tests.lab.evidence import received, suite, version
from tests.lab.install import install
from tests.lab.kinds import client_peer
from tests.lab.scenarios import ANCHORS, BLOCKED, GATEWAY4, GATEWAY6, HOP_ADDRESS, LOOPBACK, PLAIN_BY_SITE, RELAYED, SERVER4, SERVER6
from tlsconf import law, pipeline
from tlsconf.law import Incoming, Outcome, Outgoing, Tlsa
from tlsconf.mta import acceptance, load
from tlsconf.output import write
from tlsconf.platforms import PLATFORMS
from tlsconf.resolve import resolve
from tlsconf.tls import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.lab.sandbox import Sandbox
    from tests.lab.scenarios import Inbound, Outbound, Scenario
    from tests.lab.site import Site
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy

_WORKERS: Final = 6  # messages on their way in at a time
_ROUNDS: Final = 3  # of the queue: a held message must not leave at a later attempt
_LAB: Final = "/srv/lab"
_PYTHON: Final = "python-debian-13"


class Result(NamedTuple):
    """What became of a cell.

    `law` is what the law says, `expected` what is left of it where `limitations` change it, `seen` what was seen; `detail` is what the
    server said where that is another thing.
    """

    cell: str
    law: str
    seen: str
    detail: str = ""
    expected: str = ""
    limitations: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Tell whether the law is kept."""
        return self.seen == self.law

    @property
    def is_limited(self) -> bool:
        """Tell whether what was seen is what a limitation says."""
        return not self.is_kept and bool(self.limitations) and self.seen == self.expected

    @property
    def is_broken(self) -> bool:
        """Tell whether neither the law nor a limitation says so, or a limitation says what does not happen."""
        return self.seen != (self.expected if self.limitations else self.law)


class Run(NamedTuple):
    """A scenario on a build: its results, the plan they belong to, and the installed release."""

    build: str
    scenario: str
    plan: Plan
    results: tuple[Result, ...]
    seconds: float


def run(build: str, scenario: Scenario, *, split: bool = False, tamper: Callable[[Path], None] | None = None) -> Run:
    """Run a scenario on a build. `tamper` may change the rendered files before they are installed.

    Raises `sandbox.SandboxError` or `install.InstallError` where the server can't be brought to work.
    """
    began = time.monotonic()
    with opened(build, scenario, split=split, tamper=tamper) as lab:
        results = (*lab.send(), *lab.receive(), *lab.account())
    return Run(build, scenario.name, lab.plan, results, time.monotonic() - began)


@contextmanager
def opened(
    build: str, scenario: Scenario, *, split: bool = False, tamper: Callable[[Path], None] | None = None
) -> Iterator[Lab]:
    """Yield a scenario's world, with the server at work and no message sent yet. Arguments and errors are those of `run`."""
    server = build.partition("-")[0]
    own = site.load(server)
    with tempfile.TemporaryDirectory(prefix="tlsconf-lab-") as folder, ExitStack() as stack:
        policy, plan = render(build, scenario, Path(folder), own)
        if tamper is not None:
            tamper(Path(folder) / "out" / server)
        box = stack.enter_context(sandbox.opened(roots.lease(build)))
        other = stack.enter_context(sandbox.opened(roots.lease(_PYTHON), {Path(__file__).parent: _LAB}))
        lab = Lab(build, scenario, policy, plan, own, box, other)
        lab.prepare(split=split)
        lab.start()
        lab.deploy(Path(folder) / "out" / server)
        yield lab


def render(build: str, scenario: Scenario, folder: Path, own: Site) -> tuple[Policy, Plan]:
    """Write the profile of a scenario for a build, accept what can't be kept, and render it into `folder/out`."""
    server, _, base = build.partition("-")
    details: dict[str, Any] = {**own.target(), **({"tls_library": "openssl"} if base == "openssl" else {})}
    platform = "debian-13" if base == "openssl" else base
    known = getattr(PLATFORMS[platform], server)
    if base == "debian-14" and roots.release(build) != known:  # it moves: what is there is taken as the newest that is known
        details["release"] = roots.release(build)
    profile: dict[str, Any] = {**scenario.profile, "platform": platform, "targets": {server: details}}
    for name, text in scenario.files.items():
        (folder / name).write_text(text)
    path = folder / "profile.yaml"
    path.write_text(json.dumps(profile))
    (policy,) = resolve(str(path)).policies
    refused = acceptance.not_accepted(load(server).plan(policy, policy.targets[0]).limitations, ())
    if refused:
        details["accept"] = [
            {"id": item.id, "reason": "the lab shows it", **({"rules": list(item.rules)} if item.rules else {})} for item in refused
        ]
        path.write_text(json.dumps(profile))
    prepared = pipeline.prepare(str(path))
    write(folder / "out", pipeline.render(prepared, alone=True), frozenset(), force=False)
    return prepared.planned[0].policy, prepared.planned[0].plan


def connect(server: Sandbox, world: Sandbox) -> None:
    """Lay a cable between two sandboxes. All addresses but the server's own are the world's (RFC 2544 and RFC 3849 set them aside)."""
    for here, words in (
        (server, f"link add world type veth peer name server netns {world.pid}"),
        (server, f"addr add {SERVER4}/24 dev world"),
        (server, f"addr add {SERVER6}/64 dev world nodad"),
        (server, "link set world up"),
        (world, f"addr add {GATEWAY4}/24 dev server"),
        (world, f"addr add {GATEWAY6}/64 dev server nodad"),
        (world, "link set server up"),
        (world, "route add local 198.18.0.0/15 dev lo"),
        (world, "-6 route add local 2001:db8::/36 dev lo"),
        (server, f"route add default via {GATEWAY4}"),
        (server, f"-6 route add default via {GATEWAY6}"),
    ):
        done = subprocess.run(
            ["nsenter", "-t", str(here.pid), "-n", "ip", *words.split()], check=False, capture_output=True, text=True, timeout=10
        )
        if done.returncode != 0:
            raise sandbox.SandboxError(f"ip {words}: {done.stderr}")


class Lab:
    """A server and the rest of its world, for one scenario."""

    def __init__(self, build: str, scenario: Scenario, policy: Policy, plan: Plan, own: Site, box: Sandbox, other: Sandbox) -> None:
        self.build, self.scenario, self.policy, self.plan, self.site, self.box, self.other = build, scenario, policy, plan, own, box, other
        openssl = re.match(r"[\d.]+", roots.versions(build)["openssl"])
        self.facts = limited.Build(policy, _numbers(plan.release), _numbers(openssl[0] if openssl else ""))
        self.manifest: dict[str, Any] = {}
        self.addresses = {
            name: name if name == HOP_ADDRESS else f"198.18.{number // 200}.{number % 200 + 1}"
            for number, name in enumerate(scenario.hosts)
        }
        self.skipped: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.handed_over: list[dict[str, Any]] = []

    def prepare(self, *, split: bool) -> None:
        """Give the machines addresses and a name server, and the site what it has of its own."""
        connect(self.box, self.other)
        self.box.write("/etc/resolv.conf", f"nameserver {GATEWAY4}\noptions trust-ad edns0\n")
        made = certificates.made()
        self.box.run("mkdir", "-p", "/etc/ssl/lab")
        self.box.write(ANCHORS, made.anchors)
        group, mode = ("Debian-exim", "0640") if self.build.startswith("exim") else ("root", "0600")
        for name, pair in (("", made.server), ("-ec", made.server_elliptic)):
            self.box.write(f"/etc/ssl/lab/chain{name}.pem", pair.chain)
            self.box.run("install", "-g", group, "-m", mode, "/dev/stdin", f"/etc/ssl/lab/key{name}.pem", stdin=pair.key.encode())
        wanted = site.Wanted(self.scenario.routes, self.policy.outbound.smarthost, RELAYED, BLOCKED, PLAIN_BY_SITE, split)
        self.site.prepare(self.box, wanted)

    def deploy(self, folder: Path) -> None:
        """Start the server as the distribution does, install the files and activate them."""
        self.manifest = install(self.box, folder)
        self.box.run("service", self.site.SERVICE, "start")
        for line in self.manifest["activate"]:
            self.box.run("sh", "-c", line, cwd=f"/srv/out/{self.manifest['target']}")
        greeting = self.box.talk()
        if not any("SMTPUTF8" in line for line in greeting["ehlo"]):  # such a server knows no names but A-labels
            self.skipped = {cell.id for cell in self.scenario.outbound if not cell.domain.isascii()}
        if greeting["ehlo"][:1] != ["250"]:
            raise sandbox.SandboxError(f"{self.build} does not greet: {greeting}")

    def start(self) -> None:
        """Start the name server and the hosts that are up from the beginning."""
        made = certificates.made()
        self.other.run("mkdir", "-p", "/srv/certificates")
        for name, pair in made.hosts.items():
            self.other.write(f"/srv/certificates/{name}.pem", pair.key + pair.chain)
        self.other.run("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", "/srv/dh.pem")
        self._start_world("world", [name for name in self.scenario.hosts if name not in self.scenario.late], zone=True)

    def send(self) -> tuple[Result, ...]:
        """Send every outbound message, weaker before stronger where hosts are down at first; return what became of each recipient."""
        cells = [cell for cell in self.scenario.outbound if cell.id not in self.skipped]
        if not cells:
            return ()
        first = [cell for cell in cells if cell.phase == 1]
        for cell in first:  # one by one: the weaker has to be the older
            self.inject([cell])
        if first:
            self.site.run_queue(self.box)
            self._start_world("late", self.scenario.late)
        self.inject([cell for cell in cells if cell.phase == 0])
        for _ in range(_ROUNDS):
            self.site.run_queue(self.box)
        self.inject([])
        events = self.events()
        held = {recipient for _, recipient in self.site.queued(self.box)}
        log = self.site.log(self.box)
        results = [self._judge(cell, events, held, log) for cell in cells]
        return (*results, *self._records(events, log))

    def receive(self) -> tuple[Result, ...]:
        """Make every inbound attempt, and follow what was accepted to the host that gets it."""
        cells = self.scenario.inbound
        if not cells:
            return ()
        attempts = [
            {
                "id": _token(cell.id), "source": cell.source, "host": SERVER6 if ":" in cell.source else SERVER4, "port": 25,
                "sender": "" if cell.sender is None else f"somebody@{cell.sender}", "recipients": [f"{_token(cell.id)}@{RELAYED}"],
                "subject": cell.id, "tls": None if cell.session is None else cell.session.as_json(),
                "settings": "" if cell.session is None else cell.session.settings,
            }
            for cell in cells
        ]  # fmt: skip
        answers = {answer["id"]: answer for answer in self._attempt(attempts)}
        self.handed_over += [answer for answer in answers.values() if answer["stage"] == "accepted"]
        results = [self._judge_inbound(cell, answers[_token(cell.id)]) for cell in cells]
        self.site.run_queue(self.box)
        return (*results, *self._headers(cells, answers))

    def account(self) -> tuple[Result, ...]:
        """Say whether every message that was taken was delivered once or is in the queue, for each recipient."""
        delivered: dict[str, int] = {}
        for event in self.events():
            for recipient in event.get("to", []) if event["event"] == "message" else []:
                delivered[recipient.lower()] = delivered.get(recipient.lower(), 0) + 1
        queued = {recipient.lower() for _, recipient in self.site.queued(self.box)}
        taken = {recipient.lower() for message in self.sent for recipient in message["recipients"]}
        taken |= {f"{answer['id']}@{RELAYED}" for answer in self.handed_over}
        wrong = [
            f"{recipient}: delivered {delivered.get(recipient, 0)} times, {'in' if recipient in queued else 'not in'} the queue"
            for recipient in sorted(taken)
            if (delivered.get(recipient, 0), recipient in queued) not in {(1, False), (0, True)}
        ]
        strangers = sorted((set(delivered) | queued) - taken)
        wrong += [f"{recipient}: nobody sent it" for recipient in strangers]
        if not taken:
            return ()
        return (
            Result(f"all/{self.scenario.name}/nothing-lost", "all", "all" if not wrong else f"{len(wrong)} wrong", "; ".join(wrong[:5])),
        )

    def inject(self, cells: Iterable[Outbound]) -> None:
        """Hand messages over to the server: cells of one message are its recipients."""
        messages: dict[str, list[Outbound]] = {}
        for cell in cells:
            messages.setdefault(cell.message, []).append(cell)
        attempts = [
            {
                "id": f"m{len(self.sent) + number}", "source": None, "host": LOOPBACK, "port": 25, "sender": "somebody@mail.lab.example",
                "recipients": [_address(cell) for cell in group], "subject": message, "tls": None,
            }
            for number, (message, group) in enumerate(messages.items())
        ]  # fmt: skip
        if not attempts:
            return
        self.sent += attempts
        command = ["nsenter", "-t", str(self.box.pid), "-n", sys.executable, "-I", client.__file__, str(_WORKERS)]
        done = subprocess.run(command, input=json.dumps(attempts), capture_output=True, check=True, text=True, timeout=300)
        refused = [answer for answer in json.loads(done.stdout) if answer["stage"] != "accepted"]
        if refused:
            raise sandbox.SandboxError(f"{self.build} does not take the lab's own mail: {refused[:3]}")

    def _attempt(self, attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Let the clients work: one process for each configuration of OpenSSL."""
        answers: list[dict[str, Any]] = []
        for settings in dict.fromkeys(attempt["settings"] for attempt in attempts):
            chosen = [attempt for attempt in attempts if attempt["settings"] == settings]
            program = f"{_LAB}/{Path(client.__file__).name}"
            words = [*self._environment(settings), "python3", program, str(_WORKERS)]
            done = self.other.run(*words, stdin=json.dumps(chosen).encode(), timeout=300)
            answers += json.loads(done.stdout)
        return answers

    def _environment(self, settings: str) -> list[str]:
        """Return how a program is started that has to use a configuration of OpenSSL."""
        words = ["env", f"PYTHONPATH={roots.DEPENDENCIES}"]
        if not settings:
            return words
        path = f"/srv/openssl-{hashlib.sha256(settings.encode()).hexdigest()[:8]}.cnf"
        self.other.write(path, f"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n{settings}\n")
        return [*words, f"OPENSSL_CONF={path}"]

    def _start_world(self, name: str, hosts: Iterable[str], *, zone: bool = False) -> None:
        """Start hosts, and the name server: one process for each configuration of OpenSSL."""
        groups: dict[str, list[str]] = {"": []}
        for host in hosts:
            groups.setdefault(self.scenario.hosts[host][0].session.settings, []).append(host)
        for number, (settings, members) in enumerate(groups.items()):
            spec: dict[str, Any] = {"hosts": [self._host(host) for host in members]}
            if zone and not number:
                spec |= {"name_server": GATEWAY4, "zone": self._zone(), "servfail": self._servfail()}
            self._start_hosts(f"{name}{number}", spec, settings)

    def _start_hosts(self, name: str, spec: dict[str, Any], settings: str) -> None:
        self.other.write(f"/srv/{name}.json", json.dumps(spec))
        program = f"{_LAB}/{Path(world.__file__).name}"
        words = [*self._environment(settings), "python3", program, f"/srv/{name}.json", "/srv/events"]
        self.other.start(*words, output=f"/srv/{name}.out")
        deadline = time.monotonic() + 20
        while "ready" not in (self.other.read(f"/srv/{name}.out") if self.other.exists(f"/srv/{name}.out") else ""):
            if time.monotonic() > deadline:
                raise sandbox.SandboxError(f"the hosts do not start: {self.other.read(f'/srv/{name}.out')}")
            time.sleep(0.05)

    def _host(self, name: str) -> dict[str, Any]:
        kind, port = self.scenario.hosts[name]
        return {
            "name": name, "address": self.addresses[name], "port": port, "starttls": kind.starttls, "fault": kind.fault,
            "certificate": f"/srv/certificates/{kind.certificate}.pem", "dh_parameters": "/srv/dh.pem", **kind.session.as_json(),
        }  # fmt: skip

    def _zone(self) -> dict[str, list[list[str]]]:
        zone: dict[str, list[list[str]]] = {name: [["A", address]] for name, address in self.addresses.items()}
        for domain, host in self.scenario.mx.items():
            zone[domain] = [["MX", f"10 {host}."]]
        for cell in self.scenario.inbound:
            if cell.sender:
                zone.setdefault(cell.sender.lower(), [["A", SERVER4]])
        zone.setdefault("mail.lab.example", [["A", SERVER4]])
        made = certificates.made().hosts
        for name, (kind, port) in self.scenario.hosts.items():
            digest = made[kind.certificate].tlsa
            record = {
                Tlsa.MATCHING: f"3 1 1 {digest}",
                Tlsa.NOT_MATCHING: f"3 1 1 {made['other-name'].tlsa}",
                Tlsa.UNUSABLE: f"1 1 1 {digest}",
            }.get(kind.tlsa)
            if record:
                zone[f"_{port}._tcp.{name}"] = [["TLSA", record]]
        return zone

    def _servfail(self) -> list[str]:
        return [f"_{port}._tcp.{name}" for name, (kind, port) in self.scenario.hosts.items() if kind.tlsa is Tlsa.LOOKUP_FAILS]

    def events(self) -> list[dict[str, Any]]:
        """Return what the hosts have seen so far."""
        return [json.loads(line) for line in self.other.read("/srv/events").splitlines()]

    def decision(self, cell: Outbound) -> law.OutboundDecision:
        """Return what applies to an outbound cell."""
        return law.decide_outbound(
            self.policy, Outgoing(cell.domain.lower().encode("idna").decode(), self.scenario.routes.get(cell.domain))
        )

    def _judge(self, cell: Outbound, events: list[dict[str, Any]], held: set[str], log: str) -> Result:
        decision = self.decision(cell)
        kind, _ = self.scenario.hosts[cell.host]
        peer = kind.peer(decision.mx, decision.parameters)
        limits = self.plan.limitations
        applies = limited.decision_for(self.policy, self.scenario.routes.get(cell.domain), decision, limits)
        expected, case, ids = limited.sent_outcome(limited.Sent(self.facts, applies, kind, peer), limits)
        ids = ids if applies == decision else ("sendmail-port-not-seen", *ids)
        address = _address(cell)
        found = [e for e in events if e["event"] == "message" and address.lower() in [to.lower() for to in e["to"]]]
        if not found:
            seen = Outcome.HELD if address.lower() in {to.lower() for to in held} else "lost"
        elif len(found) > 1:
            seen = f"delivered {len(found)} times"
        elif found[0]["host"] != cell.host:
            seen = f"delivered to {found[0]['host']}"
        elif found[0]["version"] is None:
            seen = Outcome.CLEAR
        else:
            seen = Outcome.TLS if _allowed(case.decision, found[0]) else f"{found[0]['version']} with {found[0]['cipher']}"
        kept = str(law.outcome(decision, peer))
        return Result(cell.id, kept, str(seen), "" if seen == expected else _excerpt(log, address), str(expected), ids)

    def _judge_inbound(self, cell: Inbound, answer: dict[str, Any]) -> Result:
        sender = cell.sender.lower() if cell.sender else None
        decision = law.decide_inbound(self.policy, Incoming(sender, ip_address(cell.source)))
        peer = client_peer(cell.session, decision.parameters)
        kept = law.outcome(decision, peer)
        expected, ids = limited.received_outcome(limited.Received(self.facts, decision, cell.session, peer), self.plan.limitations)
        if cell.refused_by_site:
            kept, expected = (Outcome.REFUSED if outcome is Outcome.ACCEPTED else outcome for outcome in (kept, expected))
        detail = f"{answer['stage']} {answer['code']} {answer['text']}"
        seen = _inbound_outcome(answer, tls=peer.starttls, by_site=cell.refused_by_site)
        return Result(cell.id, str(kept), seen, "" if seen == expected else detail, str(expected), ids)

    def _records(self, events: list[dict[str, Any]], log: str) -> Iterable[Result]:
        """Compare what the log says of each delivery with what the host saw."""
        seen = {to.lower(): event for event in events if event["event"] == "message" for to in event["to"]}
        said = {session.recipient.lower(): session for session in self.site.sessions(log)}
        wrong = []
        for recipient, event in seen.items():
            session = said.get(recipient)
            if session is None:
                wrong.append(f"{recipient}: not in the log")
            elif (version(session.version), suite(session.cipher, version(session.version))) != (
                event["version"],
                suite(event["cipher"], event["version"]),
            ):
                wrong.append(f"{recipient}: log {session.version} {session.cipher}, host {event['version']} {event['cipher']}")
        yield Result(
            f"out/{self.scenario.name}/log",
            "as the hosts saw it",
            "as the hosts saw it" if not wrong else f"{len(wrong)} differ",
            "; ".join(wrong[:5]),
        )

    def _headers(self, cells: Iterable[Inbound], answers: dict[str, dict[str, Any]]) -> Iterable[Result]:
        """Compare what the server wrote into Received: with what the client saw."""
        texts = {to: event["text"] for event in self.events() if event["event"] == "message" for to in event["to"]}
        wrong = []
        for cell in cells:
            answer = answers[_token(cell.id)]
            text = texts.get(f"{_token(cell.id)}@{RELAYED}")
            if answer["stage"] != "accepted" or text is None:
                continue
            said, cipher = received(text)
            if (said, suite(cipher, said)) != (answer["version"], suite(answer["cipher"], answer["version"])):
                wrong.append(f"{cell.id}: header {said} {cipher}, client {answer['version']} {answer['cipher']}")
        yield Result(
            f"in/{self.scenario.name}/received",
            "as the clients saw it",
            "as the clients saw it" if not wrong else f"{len(wrong)} differ",
            "; ".join(wrong[:5]),
        )


_HYBRID: Final = "X25519MLKEM768"
_ONLY_HYBRID: Final = f"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nGroups = {_HYBRID}\n"


def _allowed(decision: law.OutboundDecision, event: dict[str, Any]) -> bool:
    parameters = decision.parameters
    used = Version[{"TLSv1": "TLSv1_0"}.get(event["version"], event["version"].replace(".", "_"))]
    return used >= parameters.minimum_version and suite(event["cipher"], event["version"]) in parameters.cipher_suites


def _inbound_outcome(answer: dict[str, Any], *, tls: bool, by_site: bool) -> str:
    if answer["stage"] == "accepted":
        return str(Outcome.ACCEPTED)
    if answer["stage"] in {"starttls", "handshake"}:
        return str(Outcome.HANDSHAKE_REFUSED)
    code, text = answer["code"], answer["text"]
    if code is None or answer["stage"] == "connect":
        return f"no answer: {text}"
    if code // 100 == 4:
        return str(Outcome.DEFERRED) if not tls else f"{code} {text}"
    if by_site:
        return str(Outcome.REFUSED)
    right = (code == 530 if not tls else True) and re.match(r"5\.7\.\d", text)
    return str(Outcome.REFUSED) if right else f"{code} {text}"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part)


def _address(cell: Outbound) -> str:
    return f"{_token(cell.id)}@{cell.domain}"


def _token(cell: str) -> str:
    """Return a cell's id as the local part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", cell.lower().replace("ü", "ue")).strip("-")


def _excerpt(log: str, word: str) -> str:
    return " / ".join(line[16:260] for line in log.splitlines() if word.lower() in line.lower())[:700]
