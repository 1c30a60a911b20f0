"""`tlsconf init`: what it prints is right as it stands, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.samples import WHOLE, put
from tlsconf.chain import shipped
from tlsconf.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_it_prints_is_right_and_renders_for_every_platform(tlsconf: Callable[..., Done], tmp_path: Path, platform: str) -> None:
    done = tlsconf("init", "--platform", platform)
    assert (done.code, done.err) == (0, "")
    path = put(tmp_path, {"p.yaml": done.out})
    assert tlsconf("validate", path).code == 0
    assert tlsconf("render", path, "-o", tmp_path / "out").code == 0
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == ["exim", "manifest.json", "postfix", "sendmail"]


@pytest.mark.parametrize("extends", shipped())
def test_it_extends_what_it_is_told_to(tlsconf: Callable[..., Done], tmp_path: Path, extends: str) -> None:
    done = tlsconf("init", "--extends", extends, "--platform", "debian-14")
    assert YAML(typ="safe").load(done.out)["extends"] == extends
    assert tlsconf("validate", put(tmp_path, {"p.yaml": done.out})).code == 0


@pytest.mark.parametrize("extends", ["./base.yaml", "../a b/base.yaml", "./no", "no.yaml", './"#: \\.yaml', "./ü.yaml", "./1.2.yml", "@/x"])
def test_it_extends_any_path(tlsconf: Callable[..., Done], tmp_path: Path, extends: str) -> None:
    text = tlsconf("init", "--extends", extends).out
    assert YAML(typ="safe").load(text)["extends"] == extends
    put(tmp_path, {f"here/{extends}": WHOLE})
    assert tlsconf("validate", put(tmp_path, {"here/p.yaml": text})).code == 0


def test_the_default_is_the_guidance_on_the_newest_stable_platform(tlsconf: Callable[..., Done]) -> None:
    data = YAML(typ="safe").load(tlsconf("init").out)
    assert (data["extends"], data["platform"], list(data["targets"])) == ("uk-government", "debian-13", ["postfix", "exim", "sendmail"])
    assert "# yaml-language-server: $schema=./tlsconf.schema.json" in tlsconf("init").out
