"""Compiled templates kept where Python keeps its own bytecode, so that a run does not compile them again."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import FileSystemBytecodeCache

from tlsconf import resources

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class _Cache(FileSystemBytecodeCache):
    """Jinja's cache, which goes by a digest of each template's source, for folders that may be read-only."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:  # PYTHONDONTWRITEBYTECODE forbids to write, not to read
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)


def bytecode_cache() -> FileSystemBytecodeCache | None:
    """Return the cache, or `None` where there is none and none can be made."""
    folder = Path(importlib.util.cache_from_source(str(resources.TEMPLATES / "template.py"))).parent
    if not sys.dont_write_bytecode:
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
    return _Cache(str(folder)) if folder.is_dir() else None
