"""What README.md says of the program is what the program says."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from tests.readme import README, generated
from tlsconf import errors
from tlsconf.cli import app


def test_generated_parts_are_current() -> None:
    text = README.read_text()
    assert generated(text) == text


@pytest.mark.parametrize("name", sorted(get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_and_option_is_named(name: str) -> None:
    text = README.read_text()
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert f"tlsconf {name}" in text
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("-") and option != "--help":
                assert option in text, option


def test_exit_codes_are_the_ones_that_errors_have() -> None:
    table = dict(re.findall(r"^\| (\d) \| (.*) \|$", README.read_text(), re.MULTILINE))
    codes = {error.exit_code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.TlsconfError)}
    assert {str(code) for code in codes} | {"0", "1"} == set(table)
