"""Puts a golden on a build, tampers with it in many ways, and asks `tlsconf inspect` each time."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest import mock

from ruamel.yaml import YAML

from tests.lab import sandbox
from tests.lab.install import install
from tests.native import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pytest

    from tests.lab.sandbox import Sandbox

GOLDEN: Final = Path(__file__).parents[1] / "golden"
_SAVED: Final = "/srv/saved.tar"

# The certificates that the installer made are for the sandbox's own name: the hosts of the goldens have others.
_CERTIFY: Final = """for folder in /etc/ssl/*.example.com; do
    [ ! -e "$folder/key.pem" ] || openssl req -x509 -days 30 -key "$folder/key.pem" -out "$folder/fullchain.pem" \
        -subj "/CN=${folder##*/}" -addext "subjectAltName=DNS:${folder##*/}"
done"""


class Tampering(NamedTuple):
    """Something that is done to a conforming machine: a shell line, and the ids that are then found, all of them; `errors` are errors."""

    name: str
    command: str
    expected: frozenset[str]
    errors: frozenset[str] | None = None


class Answer(NamedTuple):
    """What `tlsconf inspect` said: its exit code, the ids of errors and of warnings, and all of it for people."""

    code: object
    errors: frozenset[str]
    warnings: frozenset[str]
    text: str


class Deployed(NamedTuple):
    """A golden that is installed in a sandbox."""

    box: Sandbox
    server: str
    host: str
    profile: Path

    def inspect(self) -> Answer:
        """Run `tlsconf inspect` on the sandbox's file system."""
        options = ["-t", self.server, "--root", f"/proc/{self.box.pid}/root", "--host", self.host, "--format", "json"]
        return inspect(str(self.profile), *options)


def inspect(*arguments: str) -> Answer:
    """Run `tlsconf inspect` in this process."""
    from tlsconf.cli import main

    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with mock.patch("sys.argv", ["tlsconf", "inspect", *arguments]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
    text = out.getvalue() + err.getvalue()
    findings = json.loads(out.getvalue())["findings"] if out.getvalue() else []
    ids = {severity: frozenset(item["id"] for item in findings if item["severity"] == severity) for severity in ("error", "warning")}
    return Answer(code, ids["error"], ids["warning"], text)


@contextmanager
def deployed(root: Path, case: str, prepare: Callable[[Sandbox], None] | None = None) -> Iterator[Deployed]:
    """Install the golden `case` of a build on its stock configuration, or on what `prepare` made of it, and save the machine's settings."""
    name = root.parent.name
    server, _, host = name.partition("-")
    profile = GOLDEN / case / "profile.yaml"
    known = YAML(typ="safe").load(profile)
    with sandbox.opened(root) as box:
        if prepare is not None:
            prepare(box)
        servers.prepare_site(box, server, known.get("outbound", {}).get("smarthost"))
        install(box, GOLDEN / case / name)
        box.run("sh", "-c", _CERTIFY)
        if server == "exim":
            box.run("update-exim4.conf")  # what is in force is made of the edited files
        box.run("sh", "-c", f"tar -cf {_SAVED} /etc /var/lib/exim4 2>/dev/null || true")
        yield Deployed(box, server, host, profile)


def check_tamperings(machine: Deployed, tamperings: Iterable[Tampering], subtests: pytest.Subtests) -> None:
    """Tamper, ask, and put things right again, for each: exactly the expected ids are found, and the exit code follows the errors."""
    before = machine.inspect()
    assert (before.code, before.errors) == (0, frozenset()), before.text
    for tampering in tamperings:
        with subtests.test(tampering.name):
            machine.box.run("sh", "-c", tampering.command)
            answer = machine.inspect()
            machine.box.run(
                "sh", "-c", f"rm -rf /etc/postfix /etc/exim4 /etc/mail /var/lib/exim4; tar -xf {_SAVED} -C / && rm -f /etc/tampered"
            )
            assert answer.errors | (answer.warnings - before.warnings) == tampering.expected, answer.text
            assert tampering.errors in {None, answer.errors}, answer.text
            assert answer.code == int(bool(answer.errors)), answer.text
    after = machine.inspect()
    assert after == before, after.text
