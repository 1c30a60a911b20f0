"""The generated parts of README.md: `python -m tests.readme` writes them, a test says whether they are current."""

from __future__ import annotations

import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tests.lab import report as conformance
from tlsconf import profile
from tlsconf.audit.checks import LINT, documentation
from tlsconf.audit.standards import shipped
from tlsconf.chain import shipped_titles
from tlsconf.complaints import plain_kinds
from tlsconf.inspection import CHECKS
from tlsconf.mta import NAMES, load_native
from tlsconf.mta.documentation import limitation_documents
from tlsconf.platforms import PLATFORMS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
_PART = re.compile(r"(<!-- begin: (?P<name>[^>]*?) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


def generated(text: str) -> str:
    """Return a README with every generated part made anew."""
    return _PART.sub(lambda found: f"{found.group(1)}{_make(found.group('name'))}{found.group(4)}", text)


def _make(name: str) -> str:
    kind, _, argument = name.partition(" ")
    makers = {
        "checks": _checks,
        "conformance": _conformance,
        "inspections": _inspections,
        "language": _language,
        "limitations": _limitations,
        "platforms": _platforms,
        "profiles": _profiles,
        "run": _run,
        "standards": _standards,
    }
    return makers[kind](argument)


def _run(command: str) -> str:
    """Run a command in the checkout and show it with its output."""
    program, *arguments = command.split()
    assert program == "tlsconf"
    done = subprocess.run([sys.executable, "-m", "tlsconf", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return f"```console\n$ {command}\n{done.stdout}{done.stderr}```\n".replace("python -m tlsconf", "tlsconf")


def _language(_: str) -> str:
    lines = ["| key | value | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {value} | {meaning} |" for key, value, meaning in _keys(profile.Profile, "")]
    return "\n".join(lines) + "\n"


def _keys(model: type[BaseModel], prefix: str) -> typing.Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        yield path, _value(field.annotation, name), str(field.description).replace("|", "\\|")
        if path == "hosts.NAME.targets":
            continue  # as `targets` above
        for part, inner in _parts(field.annotation, name):
            yield from _keys(inner, f"{path}{part}.")


def _parts(annotation: Any, name: str) -> typing.Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models below a key, with how a path goes on."""
    for kind in plain_kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind.__name__.endswith("Edit") or kind is profile.Reference:
                continue
            yield "", kind
        elif typing.get_origin(kind) is dict and name == "hosts":
            yield ".NAME", profile.HostPart
        elif typing.get_origin(kind) is tuple:
            yield from ((f"[]{part}", inner) for part, inner in _parts(typing.get_args(kind)[0], name))


def _value(annotation: Any, name: str) -> str:
    words: list[str] = []
    for kind in plain_kinds(annotation):
        if typing.get_origin(kind) is typing.Literal:
            words += [f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in typing.get_args(kind)]
        elif kind is bool:
            words.append("`true`, `false`")
        elif kind is str:
            words.append("text")
        elif kind is type(None):
            words += ["`null`"] if name == "smarthost" else []
        elif typing.get_origin(kind) is tuple:
            words.append("list")
        elif isinstance(kind, type) and kind.__name__.endswith("Edit"):
            words.append("`{add: …, remove: …}`")
        else:
            words.append("mapping")
    return ", ".join(dict.fromkeys(words))


def _limitations(_: str) -> str:
    lines = ["| id | what |", "|---|---|"]
    lines += [f"| `{name}` | {text.partition(chr(10))[0]} |" for name, text in limitation_documents().items()]
    return "\n".join(lines) + "\n"


def _conformance(_: str) -> str:
    """Show what the lab has found, and which limitations it has no cell for."""
    report = conformance.kept()
    shown = {identifier for entry in report.values() for identifier in entry["limitations"]}
    tests = (ROOT / "tests/native/test_limitations.py").read_text()
    others = [identifier for identifier in limitation_documents() if identifier not in shown]
    own_test = ", ".join(f"`{identifier}`" for identifier in others if f'"{identifier}"' in tests)
    documented = ", ".join(f"`{identifier}`" for identifier in others if f'"{identifier}"' not in tests)
    sentence = f"Without a cell, but seen on the same builds by a test of its own (tests/native/test_limitations.py): {own_test}."
    return f"{conformance.table(report)}\n{sentence} From documentation alone: {documented}.\n"


def _inspections(_: str) -> str:
    lines = ["| id | what |", "|---|---|"]
    found = {**CHECKS, **{key: text for name in NAMES for key, text in load_native(name).CHECKS.items()}}
    return "\n".join([*lines, *(f"| `{key}` | {text} |" for key, text in found.items())]) + "\n"


def _checks(_: str) -> str:
    lines = [f"| `{name}` | {documentation()[name].partition(chr(10))[0]} |" for name in (*LINT, "exception-expired")]
    return "\n".join(["| id | what |", "|---|---|", *lines]) + "\n"


def _standards(_: str) -> str:
    lines = [
        f"| `{standard.id}` | {standard.edition} | {standard.title} | {len(standard.requirements)} |" for standard in shipped().values()
    ]
    return "\n".join(["| id | edition | standard | requirements |", "|---|---|---|---|", *lines]) + "\n"


def _platforms(_: str) -> str:
    lines = ["| platform | Postfix | Exim | Sendmail | OpenSSL | GnuTLS | shown by |", "|---|---|---|---|---|---|---|"]
    for name, entry in PLATFORMS.items():
        versions = [".".join(map(str, version)) if version else "-" for version in (entry.openssl, entry.gnutls)]
        releases = [release or "say it" for release in (entry.postfix, entry.exim, entry.sendmail)]
        lines.append(f"| `{name}` | {' | '.join((*releases, *versions))} | {'the lab' if entry.proven else 'documentation'} |")
    return "\n".join(lines) + "\n"


def _profiles(_: str) -> str:
    return "\n".join(["| name | |", "|---|---|", *(f"| `{name}` | {title} |" for name, title in shipped_titles().items())]) + "\n"


if __name__ == "__main__":
    README.write_text(generated(README.read_text()))
