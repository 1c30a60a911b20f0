"""Speed and memory of `tlsconf`, each figure beside a floor or another program measured in the same run: `make bench`."""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests import made_logs

ROOT = Path(__file__).parent.parent
RUNS = int(os.environ.get("TLSCONF_BENCH_RUNS", "9"))
SIZES = (1, 1_000, 10_000, 100_000)
LOG_BYTES = int(os.environ.get("TLSCONF_BENCH_LOG_BYTES", "1000000000"))  # of the largest log
YEAR = "2026"  # in which the made logs begin
# Installed programs have their bytecode; a checkout has it after its first run, unless the variable forbids it.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}

IMPORTS = """
import typer
from jinja2 import Environment
from pydantic import BaseModel
from ruamel.yaml import YAML
app = typer.Typer()
@app.command()
def main() -> None:
    pass
app()
"""
LOAD = """
import sys
from ruamel.yaml import YAML
with open(sys.argv[1], encoding="utf-8") as stream:
    YAML(typ="safe").load(stream.read())
"""
HEAD = """\
tlsconf: 1
name: bench
extends: uk-government
platform: debian-13
targets: [postfix]
server: {hostname: mx.example.com, certificates: [{chain: /etc/ssl/chain.pem, key: /etc/ssl/key.pem}]}
outbound:
  rules:
    - name: partners
      tls: required
      domains:
"""


class Figure(NamedTuple):
    """Median wall time in seconds and peak memory in MiB of whole processes; never less than this script has itself."""

    seconds: float
    mebibytes: float


def measure(command: list[str], folder: str, runs: int = RUNS) -> Figure:
    """Run a command several times, one after another, and return the medians of all runs but the first (of the only one, where it is)."""
    seconds, memory = [], []
    for _ in range(runs + (runs > 1)):
        start = time.perf_counter()
        pid = os.posix_spawn(
            command[0], command, ENVIRONMENT,
            file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)],
        )  # fmt: skip
        _, status, usage = os.wait4(pid, 0)
        seconds.append(time.perf_counter() - start)
        memory.append(usage.ru_maxrss / 1024)
        if status:
            sys.exit(f"{' '.join(command)} failed in {folder}")
    return Figure(statistics.median(seconds[1:] or seconds), statistics.median(memory[1:] or memory))


def show(label: str, figure: Figure, floor: Figure | None = None, aim: str = "") -> None:
    """Print one line of the table."""
    ratio = f"{figure.seconds / floor.seconds:6.2f} times" if floor else ""
    print(f"{label:58} {figure.seconds:7.3f} s {figure.mebibytes:7.1f} MiB {ratio:>13} {aim}".rstrip())


def main() -> None:
    """Measure and print everything."""
    python = sys.executable
    tlsconf = [python, "-m", "tlsconf"]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, medians of {RUNS} whole processes\n")
    with tempfile.TemporaryDirectory() as folder:
        floor = measure([python, "-c", IMPORTS], folder)
        show("floor: a Typer program that imports the same names", floor)
        example = measure([*tlsconf, "render", str(ROOT / "examples/edge/profile.yaml"), "-o", f"{folder}/edge"], folder)
        show("render examples/edge, three servers", example, floor, "(aim 1.3)")
        for size in SIZES:
            names = [f"mail{number}.example{number % 977}.org" for number in range(size)]
            inline, listed = Path(folder, f"inline-{size}.yaml"), Path(folder, f"file-{size}.yaml")
            inline.write_text(HEAD + "".join(f"        - {name}\n" for name in names))
            Path(folder, f"names-{size}").write_text("\n".join(names) + "\n")
            listed.write_text(HEAD + f"        - {{file: names-{size}}}\n")
            load = measure([python, "-c", LOAD, str(inline)], folder)
            print()
            show(f"floor: loading {size:,} inline destinations (C parser)", load)
            aims = ("(aim 2.5)", "(aim 1)") if size == SIZES[-1] else ("", "")
            show(
                f"render {size:,} inline, Postfix",
                measure([*tlsconf, "render", str(inline), "-o", f"{folder}/i{size}"], folder),
                load,
                aims[0],
            )
            show(
                f"render {size:,} in a file, Postfix",
                measure([*tlsconf, "render", str(listed), "-o", f"{folder}/f{size}"], folder),
                load,
                aims[1],
            )
        compare_profiles(tlsconf, folder)
        compare_logs(tlsconf, folder)


def compare_profiles(tlsconf: list[str], folder: str) -> None:
    """Measure `diff --since` for many profiles of one base, every one of them changed, in a real repository."""
    print()
    for count in (10, 100, 1_000):
        repository = Path(folder, f"departments-{count}")
        repository.mkdir()
        base = "tlsconf: 1\nname: base\nextends: uk-government\noutbound: {{rules: [{{name: bank, domains: [bank.example], tls: {}}}]}}\n"
        (repository / "base.yaml").write_text(base.format("required"))
        for number in range(count):
            rule = f"    - {{name: partner, domains: [partner{number}.example], tls: required, verify: hostname}}\n"
            head = (
                HEAD.partition("outbound")[0].replace("name: bench", f"name: department-{number}").replace("uk-government", "./base.yaml")
            )
            (repository / f"department-{number}.yaml").write_text(f"{head}outbound:\n  rules:\n{rule}")
        git = ["git", "-C", str(repository), "-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "init.defaultBranch=main"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "before"]):
            subprocess.run([*git, *command], check=True)
        (repository / "base.yaml").write_text(base.format("opportunistic"))
        figure = measure([*tlsconf, "diff", "--since", "HEAD", "--fail-on", "never", str(repository)], folder)
        show(f"diff of {count:,} profiles with their last commit", figure, aim=f"{1000 * figure.seconds / count:6.1f} ms each")


def compare_logs(tlsconf: list[str], folder: str) -> None:
    """Measure `logs` beside `wc -l` and pflogsumm: once on a large log, which says whether memory stays, and on small ones."""
    large, small = Path(folder, "postfix.log"), Path(folder, "postfix-small.log")
    made_logs.write(large, "postfix", LOG_BYTES)
    made_logs.write(small, "postfix", LOG_BYTES // 10)
    profile = Path(folder, "logs.yaml")
    profile.write_text(HEAD + "".join(f"        - {name}\n" for name in made_logs.PARTNERS))
    pflogsumm = shutil.which("pflogsumm", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")
    for log, runs in ((small, 3), (large, 1)):
        megabytes = f"{log.stat().st_size / 1e6:,.0f} MB"
        print()
        show(f"floor: wc -l of a Postfix log of {megabytes}", measure([shutil.which("wc") or "/usr/bin/wc", "-l", str(log)], folder, runs))
        other = None if pflogsumm is None else measure([pflogsumm, str(log)], folder, runs)
        if other is None:
            print("pflogsumm is not installed: left out")
        else:
            show(f"pflogsumm of {megabytes}", other)
        for label, options in {"": [], " --profile": ["--profile", str(profile)], " --suggest": ["--suggest", str(profile)]}.items():
            figure = measure([*tlsconf, "logs", str(log), "--year", YEAR, *options], folder, runs)
            show(f"logs{label} of {megabytes}", figure, other, "(aim 1)" if other and log is large else "")
    large.unlink()
    for server in ("sendmail", "exim"):
        print()
        log = Path(folder, f"{server}.log")
        made_logs.write(log, server, LOG_BYTES // 10)
        packed = log.with_suffix(".log.gz")
        with log.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as target:
            shutil.copyfileobj(source, target)
        for path in (log, packed):
            figure = measure([*tlsconf, "logs", str(path), "--year", YEAR], folder, 1)
            show(f"logs of {path.name}, {log.stat().st_size / 1e6:,.0f} MB of text", figure)


if __name__ == "__main__":
    main()
