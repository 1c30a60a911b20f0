"""What every mail server's slice offers, and the one registry of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tlsconf.live.discrepancy import Discrepancy, Installed
    from tlsconf.live.machine import Machine
    from tlsconf.plan import Limitation, Plan, Setting
    from tlsconf.policy import Policy, Target


class Mta(Protocol):
    """A mail server: a package of this folder is one (PEP 544: a module may implement a protocol)."""

    @property
    def LIMITATIONS(self) -> tuple[Callable[..., Limitation], ...]:  # noqa: N802  (a constant of the module)
        """Its limitations: functions whose docstring is the documentation and whose name, with dashes, is the stable id."""
        ...

    def plan(self, policy: Policy, target: Target) -> Plan:
        """Turn a policy into final values and limitations. Raises `PlanError` for a value it can't use at all."""
        ...

    def quote(self, text: str, place: str) -> str:
        """Return a value in the syntax of `place` (a name that the templates use); a `Raw` comes back as it is.

        Raises `UnrepresentableError` where the grammar can't hold the text.
        """
        ...

    def parse(self, files: Mapping[str, str]) -> dict[str, tuple[Setting, ...]]:
        """Read rendered files (path to text) back into their settings, the inverse of rendering a plan."""
        ...


class Native(Protocol):
    """What asks the real program: the module `native` of a server's package."""

    @property
    def CHECKS(self) -> Mapping[str, str]:  # noqa: N802  (a constant of the module)
        """Its findings: what each id means, in one line."""
        ...

    def installed(self, machine: Machine) -> Installed | None:
        """Return which release is installed, or `None`. Raises `EnvironmentFailedError` where the program does not answer."""
        ...

    def inspect(self, machine: Machine, policy: Policy, target: Target, plan: Plan, texts: Mapping[str, str]) -> Iterator[Discrepancy]:
        """Yield how the effective configuration differs from the plan, and what of the site's overrides it, is lost or goes round it.

        Changes nothing. `texts` are the rendered files by path. Raises `EnvironmentFailedError` where something can't be looked at.
        """
        ...


NAMES: Final = ("postfix", "exim", "sendmail")


def load(name: str) -> Mta:
    """Import the back-end of a server; only the ones asked for are paid for."""
    if name == "postfix":
        from tlsconf.mta import postfix

        return postfix
    if name == "exim":
        from tlsconf.mta import exim

        return exim
    from tlsconf.mta import sendmail

    return sendmail


def load_native(name: str) -> Native:
    """Import what asks the program of a server."""
    return cast("Native", import_module(f"tlsconf.mta.{name}.native"))
