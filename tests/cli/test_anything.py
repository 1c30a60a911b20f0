"""Whatever a profile holds: an answer with an exit code of the table, and never a traceback."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.samples import put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Done

ROOT = Path(__file__).parent.parent.parent
SMALL = [ROOT / f"tests/golden/{case}/profile.yaml" for case in ("dane", "legacy", "modern", "required")]
PROFILES = [ROOT / "tests/design/profile.yaml", *sorted(ROOT.glob("examples/*/profile.yaml")), *SMALL]
TEXTS = [path.read_text() for path in PROFILES]
DATA = [YAML(typ="safe").load(text) for text in TEXTS]
LISTS = {"partners.txt": "partner.example\n", "organisation.yaml": (ROOT / "examples/department/organisation.yaml").read_text()}

quickly = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture
def judge(tlsconf: Callable[..., Done], tmp_path: Path) -> Callable[[str | bytes], Done]:
    """Return a function that validates a text and looks at how the answer is given."""
    put(tmp_path, LISTS)

    def run(content: str | bytes) -> Done:
        done = tlsconf("validate", put(tmp_path, {"p.yaml": content}))
        assert done.code in {0, 3}
        assert "Traceback" not in done.err
        assert "fault of tlsconf" not in done.err
        assert (done.out == "") is (done.code == 3)
        assert ("error: " in done.err) is (done.code == 3)
        return done

    return run


@quickly
@given(st.binary(max_size=400))
@example(b"\xff\xfe")
@example(b"!!python/object/apply:os.system ['true']")
def test_any_bytes_get_an_answer(judge: Callable[[str | bytes], Done], content: bytes) -> None:
    assert judge(content).code == 3


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every node."""
    yield path
    if isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield from places(data[key], (*path, key))


NODES = [(number, path) for number, data in enumerate(DATA) for path in places(data) if path]
STRANGE: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, "", " ", "x y", "a.example", "*.a.example", "*", "[a.example]:25", "192.0.2.1/24", "::1",
     "{hostname}", "no", "TLSv1.4", "\x1b[31m\u202e", "\x00", "-----BEGIN PRIVATE KEY-----", "x" * 5000, "./p.yaml", "uk-government@1",
     [], {}, [[]], [None], [{}], {"add": ["x"]}, {"remove": ["x"]}, {"list": "x"}, {"file": "p.yaml"}, {"file": "/dev/zero"},
     {"": ""}, {"postfix": None}, {"mx": {}}]
)  # fmt: skip


def changed(data: Any, path: tuple[Any, ...], kind: str, value: Any, name: Any) -> Any:
    """Return data with one node taken out, replaced, renamed or put there twice."""
    data = copy.deepcopy(data)
    parent = data
    for step in path[:-1]:
        parent = parent[step]
    last = path[-1]
    if kind == "replace":
        parent[last] = value
    elif kind == "rename" and isinstance(parent, dict):
        parent[name] = parent.pop(last)
    elif kind == "repeat" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[last]))
    else:
        del parent[last]
    return data


KEYS = sorted({step for data in DATA for path in places(data) for step in path if isinstance(step, str)})


@settings(quickly, max_examples=400)
@given(
    st.sampled_from(NODES),
    st.sampled_from(["delete", "replace", "rename", "repeat"]),
    STRANGE,
    st.sampled_from([*KEYS, "foo", "", "mta_sts"]),
)
def test_a_right_profile_with_one_node_changed_gets_an_answer(
    judge: Callable[[str | bytes], Done], node: tuple[int, tuple[Any, ...]], kind: str, value: Any, name: str
) -> None:
    number, path = node
    judge(json.dumps(changed(DATA[number], path, kind, value, name), default=str))


@settings(quickly, max_examples=100)
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_right_profile_with_lines_lost_doubled_moved_or_cut_gets_an_answer(
    judge: Callable[[str | bytes], Done], text: str, chance: Any, times: int
) -> None:
    lines = text.splitlines(keepends=True)
    for _ in range(times):
        index = chance.randrange(len(lines))
        kind = chance.choice(["lose", "double", "move", "cut", "indent"])
        line = lines[index]
        if kind == "double":
            lines.insert(index, line)
        elif kind == "move":
            lines.insert(chance.randrange(len(lines)), lines.pop(index))
        elif kind == "cut":
            lines[index] = line[: chance.randrange(len(line) + 1)] + "\n"
        elif kind == "indent":
            lines[index] = "  " + line
        else:
            del lines[index]
            lines = lines or ["\n"]
    judge("".join(lines))


@settings(quickly, max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_list_get_an_answer(tlsconf: Callable[..., Done], tmp_path: Path, content: bytes) -> None:
    put(tmp_path, {"p.yaml": TEXTS[0], "partners.txt": content})
    done = tlsconf("validate", tmp_path / "p.yaml")
    assert done.code in {0, 3}
    assert "fault of tlsconf" not in done.err
