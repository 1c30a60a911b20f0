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

from tlsconf.cli import explain, init, limitations, profiles, render, schema, validate  # noqa: E402
from tlsconf.cli.terminal import report_failure  # noqa: E402
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
app.command("schema")(schema.schema)
app.command("profiles")(profiles.profiles)
app.command("limitations")(limitations.limitations)


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    code: int | str | None = 4
    try:
        app()
        code = 0
    except SystemExit as exit_:
        code = exit_.code
        sys.stdout.flush()
    except TlsconfError as error:
        code = report_failure(error)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # no traceback reaches a user; this is a fault of ours, and said so
        if os.environ.get("TLSCONF_TRACEBACK"):
            raise
        print(f"tlsconf: a fault of tlsconf itself: {type(error).__name__}: {error} (TLSCONF_TRACEBACK=1 shows where)", file=sys.stderr)  # noqa: T201
    sys.exit(code)
