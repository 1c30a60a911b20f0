"""The shape of the code: who may import whom, what a template may hold, what starting costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tlsconf"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.j2"))
SERVERS = ("postfix", "exim", "sendmail")

# Layers, the lowest first: a module imports only from its own layer or a lower one.
LAYERS = (
    {
        "tlsconf",
        "tlsconf.resources",
        "tlsconf.diagnostics",
        "tlsconf.errors",
        "tlsconf.domains",
        "tlsconf.tls",
        "tlsconf.plan",
        "tlsconf.platforms",
        "tlsconf.files",
        "tlsconf.git",
        "tlsconf.revision",
        "tlsconf.pairs",
    },
    {"tlsconf.policy", "tlsconf.document"},
    {"tlsconf.law", "tlsconf.profile", "tlsconf.complaints", "tlsconf.entries", "tlsconf.merge", "tlsconf.chain"},
    {"tlsconf.lists", "tlsconf.peers"},
    {"tlsconf.targets"},
    {"tlsconf.rules"},
    {"tlsconf.live"},
    {"tlsconf.resolve", "tlsconf.mta", "tlsconf.traffic"},
    {"tlsconf.prepared"},
    {"tlsconf.diff"},
    {"tlsconf.exceptions"},
    {"tlsconf.overlays"},
    {"tlsconf.render", "tlsconf.compiled"},
    {"tlsconf.output"},
    {"tlsconf.pipeline"},
    {"tlsconf.inspection"},
    {"tlsconf.audit"},
    {"tlsconf.report"},
    {"tlsconf.cli", "tlsconf.__main__"},
)
HEAVY = {"pydantic", "jinja2", "ruamel", "idna", "json", "hashlib", "difflib", "ipaddress", "inspect"}
ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Name, nodes.Getattr, nodes.Filter, nodes.Const,
    nodes.Include, nodes.Keyword,
)  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    while module:
        for number, layer in enumerate(LAYERS):
            if module in layer and (module != "tlsconf" or "." not in module):
                return number
        module = module.rpartition(".")[0]
    raise AssertionError(module)


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} if node.module != "tlsconf" else {f"tlsconf.{alias.name}" for alias in node.names}
    return found


def test_every_module_belongs_to_a_layer() -> None:
    known = set().union(*LAYERS)
    tops = {".".join(name_of(path).split(".")[:2]) for path in MODULES}
    assert tops == known


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down(path: Path) -> None:
    own = layer_of(name_of(path))
    wrong = {
        module
        for module in imports_of(path)
        if module.startswith("tlsconf.") and (PACKAGE / Path(*module.split(".")[1:])).with_suffix(".py").exists() and layer_of(module) > own
    }
    assert wrong == set()


@pytest.mark.parametrize("server", SERVERS)
def test_servers_do_not_know_each_other(server: str) -> None:
    others = tuple(f"tlsconf.mta.{other}" for other in SERVERS if other != server)
    found = {module for path in (PACKAGE / "mta" / server).rglob("*.py") for module in imports_of(path) if module.startswith(others)}
    assert found == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_first_line_says_why_the_file_exists(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring is not None
    assert path.read_text().startswith('"""')


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_hold_loops_and_names_only(path: Path) -> None:
    tree = Environment(autoescape=True).parse(path.read_text())
    wrong = [f"line {node.lineno}: {type(node).__name__}" for node in tree.find_all(nodes.Node) if not isinstance(node, ALLOWED_NODES)]
    wrong += [f"line {node.lineno}: filter {node.name}" for node in tree.find_all(nodes.Filter) if node.name != "quote"]
    wrong += [f"line {node.lineno}: if" for node in tree.find_all(nodes.If) if not isinstance(node.test, (nodes.Name, nodes.Getattr))]
    assert wrong == []


def test_starting_imports_nothing_heavy() -> None:
    code = "import sys, tlsconf.cli; print(*sys.modules, sep='\\n')"
    without = set(
        subprocess.run(
            [sys.executable, "-c", "import sys, typer; print(*sys.modules, sep='\\n')"], check=True, capture_output=True, text=True
        ).stdout.split()
    )
    loaded = set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout.split())
    assert (loaded - without) & HEAVY == set()
    assert "tlsconf.resolve" not in loaded
    assert "tlsconf.mta.postfix" not in loaded


def test_only_known_names_lie_at_the_top() -> None:
    allowed = {
        "pyproject.toml", "README.md", "tlsconf", "templates", "profiles", "tests", "examples", "Makefile", "CHANGELOG.md", "LICENSE",
        ".ci", ".github", ".gitignore", ".pre-commit-hooks.yaml", "action.yml",
    }  # fmt: skip
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert {name.partition("/")[0] for name in listed} <= allowed
