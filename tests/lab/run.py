"""Runs a scenario on a build: what is rendered is installed, messages go both ways, and each cell is judged by the law."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab import certificates, client, roots, sandbox, site, world
from tests.lab.install import install
from tests.lab.kinds import client_peer
from tests.lab.scenarios import ANCHORS, BLOCKED, GATEWAY4, GATEWAY6, LOOPBACK, PLAIN_BY_SITE, RELAYED, SERVER4, SERVER6
from tlsconf import law, pipeline
from tlsconf.law import Incoming, Outcome, Outgoing, Tlsa
from tlsconf.mta import acceptance, load
from tlsconf.output import write
from tlsconf.resolve import resolve
from tlsconf.tls import suites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    """What became of a cell: what the law says, what was seen, and what the server said about it."""

    cell: str
    expected: str
    seen: str
    detail: str


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
    server = build.partition("-")[0]
    own = site.load(server)
    with tempfile.TemporaryDirectory(prefix="tlsconf-lab-") as folder, ExitStack() as stack:
        policy, plan = render(build, scenario, Path(folder), own)
        if tamper is not None:
            tamper(Path(folder) / "out" / server)
        box = stack.enter_context(sandbox.opened(roots.lease(build)))
        other = stack.enter_context(sandbox.opened(roots.lease(_PYTHON), {Path(__file__).parent: _LAB}))
        lab = _Lab(build, scenario, policy, own, box, other)
        lab.prepare(split=split)
        lab.start()
        lab.deploy(Path(folder) / "out" / server)
        results = (*lab.send(), *lab.receive(), *lab.account())
    return Run(build, scenario.name, plan, results, time.monotonic() - began)


def render(build: str, scenario: Scenario, folder: Path, own: Site) -> tuple[Policy, Plan]:
    """Write the profile of a scenario for a build, accept what can't be kept, and render it into `folder/out`."""
    server, _, base = build.partition("-")
    details: dict[str, Any] = {**own.target(), **({"tls_library": "openssl"} if base == "openssl" else {})}
    platform = "debian-13" if base == "openssl" else base
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


class _Lab:
    """A server and the rest of its world, for one scenario."""

    def __init__(self, build: str, scenario: Scenario, policy: Policy, own: Site, box: Sandbox, other: Sandbox) -> None:
        self.build, self.scenario, self.policy, self.site, self.box, self.other = build, scenario, policy, own, box, other
        self.manifest: dict[str, Any] = {}
        self.addresses = {name: f"198.18.{number // 200}.{number % 200 + 1}" for number, name in enumerate(scenario.hosts)}
        self.sent: list[dict[str, Any]] = []
        self.handed_over: list[dict[str, Any]] = []

    def prepare(self, *, split: bool) -> None:
        """Give the machines addresses and a name server, and the site what it has of its own."""
        connect(self.box, self.other)
        self.box.write("/etc/resolv.conf", f"nameserver {GATEWAY4}\noptions trust-ad edns0\n")
        made = certificates.made()
        self.box.run("mkdir", "-p", "/etc/ssl/lab")
        self.box.write("/etc/ssl/lab/chain.pem", made.server.chain)
        self.box.write(ANCHORS, made.anchors)
        group = {"exim": "Debian-exim"}.get(self.build.partition("-")[0], "root")
        self.box.run("install", "-g", group, "-m", "0640", "/dev/stdin", "/etc/ssl/lab/key.pem", stdin=made.server.key.encode())
        if group == "root":
            self.box.run("chmod", "0600", "/etc/ssl/lab/key.pem")
        wanted = site.Wanted(self.scenario.routes, self.policy.outbound.smarthost, RELAYED, BLOCKED, PLAIN_BY_SITE, split)
        self.site.prepare(self.box, wanted)

    def deploy(self, folder: Path) -> None:
        """Start the server as the distribution does, install the files and activate them."""
        self.manifest = install(self.box, folder)
        self.box.run("service", self.site.SERVICE, "start")
        for line in self.manifest["activate"]:
            self.box.run("sh", "-c", line, cwd=f"/srv/out/{self.manifest['target']}")
        greeting = self.box.talk()
        if greeting["ehlo"][:1] != ["250"]:
            raise sandbox.SandboxError(f"{self.build} does not greet: {greeting}")

    def start(self) -> None:
        """Start the name server and the hosts that are up from the beginning."""
        made = certificates.made()
        self.other.run("mkdir", "-p", "/srv/certificates")
        for name, pair in made.hosts.items():
            self.other.write(f"/srv/certificates/{name}.pem", pair.key + pair.chain)
        early = [name for name in self.scenario.hosts if name not in self.scenario.late | self.scenario.hybrid]
        self._start_world("world", early, zone=True)
        if self.scenario.hybrid:
            self.other.write("/srv/hybrid.cnf", _ONLY_HYBRID)
            self._start_world("hybrid", self.scenario.hybrid, env={"OPENSSL_CONF": "/srv/hybrid.cnf"})

    def send(self) -> tuple[Result, ...]:
        """Send every outbound message, weaker before stronger where hosts are down at first; return what became of each recipient."""
        cells = self.scenario.outbound
        if not cells:
            return ()
        first = [cell for cell in cells if cell.phase == 1]
        for cell in first:  # one by one: the weaker has to be the older
            self._inject([cell])
        if first:
            self.site.run_queue(self.box)
            self._start_world("late", self.scenario.late)
        self._inject([cell for cell in cells if cell.phase == 0])
        for _ in range(_ROUNDS):
            self.site.run_queue(self.box)
        self._inject([])
        events = self._events()
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
        for event in self._events():
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
        return (Result(f"all/{self.scenario.name}/nothing-lost", "all", "all" if not wrong else f"{len(wrong)} wrong", "; ".join(wrong[:5])),)

    def _inject(self, cells: Iterable[Outbound]) -> None:
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
        """Let the clients work, those with only a hybrid group in a process that has no other."""
        hybrid = [attempt for attempt in attempts if attempt["tls"] and attempt["tls"]["group"] == _HYBRID]
        answers = self._run_clients([attempt for attempt in attempts if attempt not in hybrid], {})
        if hybrid:
            self.other.write("/srv/hybrid.cnf", _ONLY_HYBRID)
            plain = [{**attempt, "tls": {**attempt["tls"], "group": None}} for attempt in hybrid]
            answers += self._run_clients(plain, {"OPENSSL_CONF": "/srv/hybrid.cnf"})
        return answers

    def _run_clients(self, attempts: list[dict[str, Any]], env: dict[str, str]) -> list[dict[str, Any]]:
        program = f"{_LAB}/{Path(client.__file__).name}"
        done = self.other.run("python3", "-I", program, str(_WORKERS), stdin=json.dumps(attempts).encode(), timeout=300, env=env)
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    def _start_world(self, name: str, hosts: Iterable[str], *, zone: bool = False, env: dict[str, str] | None = None) -> None:
        spec: dict[str, Any] = {"hosts": [self._host(host) for host in hosts]}
        if zone:
            spec |= {"name_server": GATEWAY4, "zone": self._zone(), "servfail": self._servfail()}
        self.other.write(f"/srv/{name}.json", json.dumps(spec))
        program = f"{_LAB}/{Path(world.__file__).name}"
        setting = [f"{key}={value}" for key, value in {**(env or {}), "PYTHONPATH": roots.DEPENDENCIES}.items()]
        self.other.start("env", *setting, "python3", program, f"/srv/{name}.json", "/srv/events", output=f"/srv/{name}.out")
        deadline = time.monotonic() + 20
        while "ready" not in (self.other.read(f"/srv/{name}.out") if self.other.exists(f"/srv/{name}.out") else ""):
            if time.monotonic() > deadline:
                raise sandbox.SandboxError(f"the hosts do not start: {self.other.read(f'/srv/{name}.out')}")
            time.sleep(0.05)

    def _host(self, name: str) -> dict[str, Any]:
        kind, port = self.scenario.hosts[name]
        session = kind.session.as_json()
        if session["group"] == _HYBRID:  # Python can't ask for it; OpenSSL's own configuration does
            session["group"] = None
        return {
            "name": name, "address": self.addresses[name], "port": port, "starttls": kind.starttls, "fault": kind.fault,
            "certificate": f"/srv/certificates/{kind.certificate}.pem", **session,
        }  # fmt: skip

    def _zone(self) -> dict[str, list[list[str]]]:
        zone: dict[str, list[list[str]]] = {name: [["A", address]] for name, address in self.addresses.items()}
        for domain, host in self.scenario.mx.items():
            zone[domain.lower()] = [["MX", f"10 {host}."]]
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

    def _events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.other.read("/srv/events").splitlines()]

    def decision(self, cell: Outbound) -> law.OutboundDecision:
        """Return what applies to an outbound cell."""
        return law.decide_outbound(self.policy, Outgoing(cell.domain.lower(), self.scenario.routes.get(cell.domain)))

    def _judge(self, cell: Outbound, events: list[dict[str, Any]], held: set[str], log: str) -> Result:
        decision = self.decision(cell)
        kind, _ = self.scenario.hosts[cell.host]
        expected = law.outcome(decision, kind.peer(decision.mx, decision.parameters))
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
            seen = Outcome.TLS if _allowed(decision, found[0]) else f"{found[0]['version']} with {found[0]['cipher']}"
        return Result(cell.id, str(expected), str(seen), "" if seen == expected else _excerpt(log, address))

    def _judge_inbound(self, cell: Inbound, answer: dict[str, Any]) -> Result:
        sender = cell.sender.lower() if cell.sender else None
        decision = law.decide_inbound(self.policy, Incoming(sender, ip_address(cell.source)))
        peer = client_peer(cell.session, decision.parameters)
        expected = law.outcome(decision, peer)
        if cell.refused_by_site and expected is Outcome.ACCEPTED:
            expected = Outcome.REFUSED
        detail = f"{answer['stage']} {answer['code']} {answer['text']}"
        seen = _inbound_outcome(answer, tls=peer.starttls, by_site=cell.refused_by_site, rules=bool(decision.rules))
        return Result(cell.id, str(expected), seen, "" if seen == expected else detail)

    def _records(self, events: list[dict[str, Any]], log: str) -> Iterable[Result]:
        """Compare what the log says of each delivery with what the host saw."""
        seen = {to.lower(): event for event in events if event["event"] == "message" for to in event["to"]}
        said = {session.recipient.lower(): session for session in self.site.sessions(log)}
        wrong = []
        for recipient, event in seen.items():
            session = said.get(recipient)
            if session is None:
                wrong.append(f"{recipient}: not in the log")
            elif (_version(session.version), _iana(session.cipher, _version(session.version))) != (
                event["version"], _iana(event["cipher"], event["version"])):
                wrong.append(f"{recipient}: log {session.version} {session.cipher}, host {event['version']} {event['cipher']}")
        yield Result(f"out/{self.scenario.name}/log", "as the hosts saw it", "as the hosts saw it" if not wrong else f"{len(wrong)} differ", "; ".join(wrong[:5]))

    def _headers(self, cells: Iterable[Inbound], answers: dict[str, dict[str, Any]]) -> Iterable[Result]:
        """Compare what the server wrote into Received: with what the client saw."""
        texts = {to: event["text"] for event in self._events() if event["event"] == "message" for to in event["to"]}
        wrong = []
        for cell in cells:
            answer = answers[_token(cell.id)]
            text = texts.get(f"{_token(cell.id)}@{RELAYED}")
            if answer["stage"] != "accepted" or text is None:
                continue
            version, cipher = received(text)
            if (version, _iana(cipher, version)) != (answer["version"], _iana(answer["cipher"], answer["version"])):
                wrong.append(f"{cell.id}: header {version} {cipher}, client {answer['version']} {answer['cipher']}")
        yield Result(f"in/{self.scenario.name}/received", "as the clients saw it", "as the clients saw it" if not wrong else f"{len(wrong)} differ", "; ".join(wrong[:5]))


_HYBRID: Final = "X25519MLKEM768"
_ONLY_HYBRID: Final = f"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nGroups = {_HYBRID}\n"
_HEADER: Final = re.compile(r"^Received: (.*(?:\n[ \t].*)*)", re.MULTILINE)


def received(text: str) -> tuple[str | None, str | None]:
    """Return the TLS version and cipher that the last header of the server names, `None` for clear text."""
    headers = [" ".join(found[1].split()) for found in _HEADER.finditer(text.replace("\r\n", "\n"))]
    header = headers[0]
    for pattern in (
        r"\(using (TLSv[\d.]+) with cipher (\S+)",  # Postfix
        r"\(version=(TLSv[\d.]+),? cipher=(\S+?),? bits",  # Sendmail
        r"\((TLS[\d.]+)\) (?:tls )?(\S+)",  # Exim from 4.94 on
        r"tls (\S+)",
    ):
        if found := re.search(pattern, header):
            groups = found.groups()
            return _version(groups[0]), groups[1] if len(groups) > 1 else None
    return None, None


def _version(text: str | None) -> str | None:
    """Return a version as OpenSSL spells it: `TLSv1.3`; Exim writes `TLS1.3`."""
    if text is None:
        return None
    number = text.removeprefix("TLSv").removeprefix("TLS").removesuffix(".0") if text not in {"TLSv1.0", "TLS1.0"} else "1"
    return f"TLSv{number}"


def _iana(name: str | None, version: str | None) -> str | None:
    """Return a suite's IANA name from the spellings of OpenSSL and GnuTLS, as servers log them."""
    if name is None:
        return None
    table = suites()
    by_name = {spelling: suite.iana for suite in table.values() for spelling in (suite.iana, suite.openssl, suite.gnutls) if spelling}
    if "__" in name:  # GnuTLS: key exchange, signature, cipher
        exchange, *_, cipher = name.split("__")
        signature = "ECDSA" if "__ECDSA" in name else "RSA"
        known = {"AES_256_GCM": "AES_256_GCM_SHA384", "AES_128_GCM": "AES_128_GCM_SHA256", "CHACHA20_POLY1305": "CHACHA20_POLY1305_SHA256"}
        name = f"TLS_{exchange.partition('_')[0]}_{signature}_WITH_{known.get(cipher, cipher)}"
    if version == "TLSv1.3":  # Exim with GnuTLS writes a name as of TLS 1.2
        name = f"TLS_{name.rpartition('_WITH_')[2].removeprefix('TLS_')}"
    return by_name.get(name, name)


def _allowed(decision: law.OutboundDecision, event: dict[str, Any]) -> bool:
    parameters = decision.parameters
    lowest = {version.value: version for version in type(parameters.minimum_version)}
    version = next((v for v in lowest.values() if str(v).replace("TLSv1.0", "TLSv1") == event["version"]), None)
    return version is not None and version >= parameters.minimum_version and _iana(event["cipher"], None) in parameters.cipher_suites


def _inbound_outcome(answer: dict[str, Any], *, tls: bool, by_site: bool, rules: bool) -> str:
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


def _address(cell: Outbound) -> str:
    return f"{_token(cell.id)}@{cell.domain}"


def _token(cell: str) -> str:
    """Return a cell's id as the local part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", cell.lower()).strip("-")


def _excerpt(log: str, word: str) -> str:
    return " / ".join(line[16:260] for line in log.splitlines() if word.lower() in line.lower())[:700]


if __name__ == "__main__":
    from tests.lab.scenarios import all_scenarios

    for chosen in all_scenarios():
        if len(sys.argv) > 2 and chosen.name not in sys.argv[2:]:
            continue
        done = run(sys.argv[1], chosen)
        bad = [result for result in done.results if result.seen != result.expected]
        print(f"{done.build} {done.scenario}: {len(done.results) - len(bad)} of {len(done.results)} in {done.seconds:.0f} s")
        for result in bad:
            print(f"  {result.cell}: {result.expected}, seen {result.seen} | {result.detail}")
