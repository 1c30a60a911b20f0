"""The command line: commands put together, failures turned into text and exit codes."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import NoReturn

# Pydantic (typer uses it too) asks importlib.metadata for plugins, whose import alone costs more than all our models. None is wanted
# here, so its loader is given an empty answer; where a later pydantic asks elsewhere, this does nothing.
sys.modules.setdefault("pydantic.plugin._loader", SimpleNamespace(get_plugins=tuple))  # type: ignore[arg-type]

import typer  # noqa: E402

from tlsconf.cli import audit, checks, diff, explain, headers, init, inspect, limitations, logs, probe, profiles, render, schema, validate  # noqa: E402
from tlsconf.cli.terminal import flush, open_streams, report_failure, report_usage, warn  # noqa: E402
from tlsconf.errors import TlsconfError  # noqa: E402

_INTERRUPTED = 130  # 128 and SIGINT, as shells have it

app = typer.Typer(
    name="tlsconf",
    help="One profile of TLS for mail, rendered for Postfix, Exim and Sendmail.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.command("validate")(validate.validate)
app.command("render")(render.render)
app.command("explain")(explain.explain)
app.command("diff")(diff.diff)
app.command("audit")(audit.audit)
app.command("inspect")(inspect.inspect)
app.command("probe")(probe.probe)
app.command("headers")(headers.headers)
app.command("logs")(logs.logs)
app.command("schema")(schema.schema)
app.command("profiles")(profiles.profiles)
app.command("limitations")(limitations.limitations)
app.command("checks")(checks.checks)


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    open_streams()
    try:
        code = _run()
        flush()
    except TlsconfError as error:
        code = report_failure(error)
    sys.exit(code)


def _run() -> int:
    try:
        return app(standalone_mode=False, prog_name="tlsconf") or 0  # that name also as `python -m tlsconf`
    except SystemExit as exit_:  # completion ends so
        return exit_.code if isinstance(exit_.code, int) else 0
    except TlsconfError as error:
        return report_failure(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # no traceback reaches a user
        if hasattr(error, "format_message"):  # as typer's own errors have it, whose class it does not export
            return report_usage(error)
        if os.environ.get("TLSCONF_TRACEBACK"):
            raise
        warn(f"tlsconf: a fault of tlsconf itself: {type(error).__name__}: {error} (TLSCONF_TRACEBACK=1 shows where)")
        return TlsconfError.exit_code
