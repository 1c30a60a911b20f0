"""A dictionary of bounded size: what joins lines must not grow with the log."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

LIMIT: Final = 50_000  # entries of a generation: more messages than a busy server has in its hands at a time


class Memory(Generic[K, V]):
    """Keys and values of which the least recently used are forgotten.

    It has two generations: when the young one is full, it becomes the old one, and the old one is forgotten. So at least `limit`
    entries are kept and at most twice as many, at the price of a plain dictionary.
    """

    __slots__ = ("_limit", "_old", "_young")

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin with nothing."""
        self._limit = limit
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return a value and make it young again, or `None`."""
        value = self._young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value."""
        young = self._young
        young[key] = value
        if len(young) >= self._limit:
            self._old = young
            self._young = {}

    def drop(self, key: K) -> None:
        """Forget a key, known or not."""
        self._young.pop(key, None)
        self._old.pop(key, None)
