"""Asks the Postfix that is installed whether it does what a plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.discrepancy import Discrepancy, Installed
from tlsconf.mta.postfix import deployed, routes, services, surroundings
from tlsconf.mta.postfix.configuration import RefusedError, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlsconf.live.machine import Machine
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target

CHECKS: Final[dict[str, str]] = {
    "postfix-refuses": "Postfix does not accept main.cf or master.cf.",
    "postfix-complains": "Postfix warns of something in main.cf or master.cf, such as a parameter that nothing uses.",
    "postfix-parameter-differs": "A parameter has not the value that the profile gives it.",
    "postfix-parameter-twice": "main.cf sets a parameter more than once; the last line wins.",
    "postfix-setting-without-effect": "A setting of the site has no effect beside the profile's parameters.",
    "postfix-list-lost": "A list that the site may use too has lost the profile's entry.",
    "postfix-list-order": "Something stands before the profile's entry in such a list: it may end the list, or mute it.",
    "postfix-list-site-lost": "Such a list has lost an entry that the profile keeps for the site.",
    "postfix-list-foreign": "Such a list has an entry that the profile does not know.",
    "postfix-table-unusable": "Postfix can't use a table, or skips a line of it.",
    "postfix-table-stale": "A compiled table was made of other text than the profile's.",
    "postfix-service-override": "A service of master.cf overrides one of the profile's parameters with `-o`.",
    "postfix-wrappermode": "TLS begins at once where the other side expects STARTTLS, or the other way round.",
    "postfix-starttls-hidden": "STARTTLS is not offered, or not used: opportunistic mail goes in clear text.",
    "postfix-other-certificates": "Clients may see other certificates than those of the profile.",
    "postfix-relayhost": "Mail is sent to another relay than the profile's smarthost, or to one although it has none.",
    "postfix-route-past-rules": "Mail for domains with rules is sent to a host to which weaker terms apply.",
    "postfix-route-unknown": "A table that routes mail lies on another host, or can't be listed: it is not looked at.",
    "postfix-filter-held": "Mail to a filter on this machine would need TLS, which it has not.",
    "postfix-dane-lookup": "Postfix does not ask DNS, so that there is no DANE.",
    "postfix-dane-resolver": "Postfix trusts a resolver on another host, with no protection on the way, to validate DNSSEC.",
    "postfix-other-instances": "There are more instances of Postfix than the one that was looked at.",
}


def installed(machine: Machine) -> Installed | None:
    """Return which Postfix is installed, or `None`.

    Its only TLS library is OpenSSL (TLS_README); its programs read certificates, keys and tables as root, before they give up that right.
    Raises `EnvironmentFailedError` where postconf(1) does not answer.
    """
    if machine.which("postconf") is None:
        return None
    # A folder without configuration: what the site has may be refused, which is for `inspect` to say.
    answer = machine.run("postconf", "-c", "/", "-dh", "mail_version")
    release = answer.stdout.strip()
    if answer.status != 0 or not release:
        message = f"postconf does not say which Postfix it is: {answer.stderr.strip()}"
        raise EnvironmentFailedError(message)
    return Installed(release, "openssl", "root")


def inspect(machine: Machine, policy: Policy, target: Target, plan: Plan, _texts: Mapping[str, str]) -> Iterator[Discrepancy]:
    """Yield how the configuration and the tables that are in force differ from a plan, and what overrides or evades it.

    `postfix check` is not run: it makes folders and changes owners. Raises `EnvironmentFailedError` where something can't be looked at.
    """
    try:
        configuration = read(machine, (*deployed.planned(plan), *services.NAMES, *routes.NAMES, *surroundings.NAMES))
    except RefusedError as error:
        yield Discrepancy("postfix-refuses", "error", f"Postfix does not accept its configuration: {error}", remedy="mend what it names")
        return
    used = routes.used_services(configuration)
    apart = routes.local_filters(configuration) - used
    yield from deployed.inspect_complaints(configuration)
    yield from deployed.inspect_parameters(configuration, plan, target)
    yield from deployed.inspect_tables(machine, plan, target)
    yield from services.inspect_listeners(configuration, policy, plan, target)
    yield from services.inspect_senders(configuration, policy, plan, target, used, apart)
    yield from services.inspect_discards(machine, configuration, policy, used)
    yield from services.inspect_certificates(configuration, policy)
    yield from routes.inspect_routes(machine, configuration, policy)
    yield from surroundings.inspect_resolver(machine, configuration, policy)
    yield from surroundings.inspect_instances(configuration)
