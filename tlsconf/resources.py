"""Where the shipped templates, profiles and standards lie: the only file that knows."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
_WHEEL_DATA: Final = _PACKAGE / "_data"  # pyproject.toml puts them there in a wheel
_ROOT: Final = _WHEEL_DATA if _WHEEL_DATA.is_dir() else _PACKAGE.parent  # else: a checkout

TEMPLATES: Final = _ROOT / "templates"
PROFILES: Final = _ROOT / "profiles"
STANDARDS: Final = _PACKAGE / "standards"
