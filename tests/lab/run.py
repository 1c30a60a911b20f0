"""Runs a scenario on a build: what is rendered is installed, messages go both ways, and what was seen is judged."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab import certificates, client, limited, roots, sandbox, site, told, world
from tests.lab.inside import HOSTNAME
from tests.lab.install import install
from tests.lab.judge import Judge, address, token
from tests.lab.network import GATEWAY4, HOP_ADDRESS, LOOPBACK, SERVER4, SERVER6, connect
from tests.lab.scenarios import ANCHORS, BLOCKED, BLOCKED_CLIENT, PLAIN_BY_SITE, RELAYED
from tlsconf import pipeline
from tlsconf.law import Tlsa
from tlsconf.mta import acceptance, load
from tlsconf.output import write
from tlsconf.platforms import PLATFORMS
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.lab.judge import Result
    from tests.lab.sandbox import Sandbox
    from tests.lab.scenarios import Outbound, Scenario
    from tests.lab.site import Site
    from tests.lab.told import Attempt
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy

_WORKERS: Final = 6  # messages on their way in at a time
_ROUNDS: Final = 3  # of the queue: a held message must not leave at a later attempt
_LAB: Final = "/srv/lab"
_PYTHON: Final = "python-debian-13"


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
        results = (*lab.send(), *lab.receive(), *lab.account(), *lab.told())
    return Run(build, scenario.name, lab.plan, results, time.monotonic() - began)


@contextmanager
def opened(build: str, scenario: Scenario, *, split: bool = False, tamper: Callable[[Path], None] | None = None) -> Iterator[Lab]:
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


class Lab:
    """A server and the rest of its world, for one scenario."""

    def __init__(self, build: str, scenario: Scenario, policy: Policy, plan: Plan, own: Site, box: Sandbox, other: Sandbox) -> None:
        """Take what is there; nothing is done yet."""
        self.build, self.scenario, self.policy, self.plan, self.site, self.box, self.other = build, scenario, policy, plan, own, box, other
        openssl = re.match(r"[\d.]+", roots.versions(build)["openssl"])
        facts = limited.Build(policy, _numbers(plan.release), _numbers(openssl[0] if openssl else ""))
        self.judge = Judge(scenario, facts, plan.limitations, bool(own.target()))
        self.manifest: dict[str, Any] = {}
        self.addresses = {
            name: name if name == HOP_ADDRESS else f"198.18.{number // 200}.{number % 200 + 1}"
            for number, name in enumerate(scenario.hosts)
        }
        self.skipped: set[str] = set()
        self.taken: dict[str, Attempt] = {}  # messages that the server accepted, by recipient in lower case
        self.refused: list[Attempt] = []

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
        wanted = site.Wanted(self.scenario.routes, self.policy.outbound.smarthost, RELAYED, BLOCKED, BLOCKED_CLIENT, PLAIN_BY_SITE, split)
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
        events, queued, log = self.events(), frozenset(recipient for _, recipient in self.queued()), self.site.log(self.box)
        return tuple(self.judge.sent(cell, events, queued, log) for cell in cells)

    def receive(self) -> tuple[Result, ...]:
        """Make every inbound attempt, and follow what was accepted to the host that gets it."""
        cells = self.scenario.inbound
        if not cells:
            return ()
        attempts = [
            {
                "id": token(cell.id), "source": cell.source, "host": SERVER6 if ":" in cell.source else SERVER4, "port": 25,
                "sender": "" if cell.sender is None else f"somebody@{cell.sender}", "recipients": [f"{token(cell.id)}@{RELAYED}"],
                "subject": cell.id, "tls": None if cell.session is None else cell.session.as_json(),
                "settings": "" if cell.session is None else cell.session.settings,
            }
            for cell in cells
        ]  # fmt: skip
        answers = {answer["id"]: answer for answer in self._attempt(attempts)}
        for cell in cells:
            made = told.attempt(answers[token(cell.id)], cell.sender, cell.source)
            if made.stage == "accepted":
                self.taken[f"{token(cell.id)}@{RELAYED}"] = made
            else:
                self.refused.append(made)
        self.site.run_queue(self.box)
        return tuple(self.judge.received(cell, answers[token(cell.id)]) for cell in cells)

    def account(self) -> tuple[Result, ...]:
        """Say whether every message that was taken was delivered once or is in the queue, for each recipient."""
        queued = frozenset(recipient for _, recipient in self.queued())
        return (self.judge.accounted(self.events(), queued, frozenset(self.taken)),) if self.taken else ()

    def told(self) -> tuple[Result, ...]:
        """Say whether `tlsconf logs` and `tlsconf headers` tell of all this what others saw."""
        cells = {address(cell).lower(): cell for cell in self.scenario.outbound}
        limitations = frozenset(item.id for item in self.plan.limitations)
        seen = told.World(
            self.scenario, self.policy, self.events(), cells, self.taken, self.refused, self.queued(), self.addresses, limitations
        )
        return self.judge.told(seen, self.site.log(self.box))

    def inject(self, cells: Iterable[Outbound]) -> None:
        """Hand messages over to the server: cells of one message are its recipients."""
        messages: dict[str, list[Outbound]] = {}
        for cell in cells:
            messages.setdefault(cell.message, []).append(cell)
        attempts: list[dict[str, Any]] = [
            {
                "id": f"m{len(self.taken) + number}", "source": None, "host": LOOPBACK, "port": 25, "sender": f"somebody@{HOSTNAME}",
                "recipients": [address(cell) for cell in group], "subject": message, "tls": None,
            }
            for number, (message, group) in enumerate(messages.items())
        ]  # fmt: skip
        if not attempts:
            return
        command = ["nsenter", "-t", str(self.box.pid), "-n", sys.executable, "-I", client.__file__, str(_WORKERS)]
        done = subprocess.run(command, input=json.dumps(attempts), capture_output=True, check=True, text=True, timeout=300)
        answers = json.loads(done.stdout)
        refused = [answer for answer in answers if answer["stage"] != "accepted"]
        if refused:
            raise sandbox.SandboxError(f"{self.build} does not take the lab's own mail: {refused[:3]}")
        local = told.attempt(answers[0], HOSTNAME, LOOPBACK)
        self.taken |= {recipient.lower(): local for message in attempts for recipient in message["recipients"]}

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

    def queued(self) -> frozenset[tuple[str, str]]:
        """Return the messages in the queue: what the server calls them, and recipients in lower case."""
        return frozenset((identifier, recipient.lower()) for identifier, recipient in self.site.queued(self.box))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part)
