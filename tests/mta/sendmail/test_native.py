"""What is read of sendmail.cf and of the program's answers."""

from __future__ import annotations

from typing import Final

from tlsconf.mta.sendmail import cf, questions

TEXT: Final = (
    "# a comment\n"
    "O CipherList=A\n"
    "O DaemonPortOptions=Port=smtp, M=Ea\n"
    "Kaccess hash -T<TMPF> /etc/mail/access\n"
    "C{tlsconf_x}a b\n"
    "SLocal_tls_rcpt\n"
    "R$*\t\t$: $1\ta comment\n"
    "R$*\n"
    "\t\t$@ OK\n"
    "Sother=4\n"
    "R$+\t$#error $: no\n"
    "SLOCAL_TLS_RCPT\n"
    "R$-\t$@ last\n"
    "Msmtp,\t\tP=[IPC], F=mDFMuX, E=\\r\\n,\n"
    "\t\tA=TCP $h 587\n"
    "O CipherList=B\n"
)


def test_the_last_definition_of_an_option_counts() -> None:
    configuration = cf.read(TEXT)
    assert configuration.value("cipherlist") == "B"
    assert configuration.value("LogLevel") is None
    assert [line.number for line in configuration.options["cipherlist"]] == [2, 16]


def test_definitions_of_a_ruleset_are_one_after_the_other() -> None:
    rules = cf.read(TEXT).rulesets["local_tls_rcpt"]
    assert [(rule.number, rule.left, rule.right) for rule in rules] == [(7, "$*", "$: $1"), (8, "$*", "$@ OK"), (13, "$-", "$@ last")]


def test_rules_are_found_in_a_ruleset() -> None:
    rules = cf.read(TEXT).rulesets["local_tls_rcpt"]
    assert cf.position(rules, rules[1:]) == 1
    assert cf.position(rules[:1], rules) is None


def test_a_map_has_a_type_and_a_file() -> None:
    assert cf.read(TEXT).maps["access"] == ("hash", "/etc/mail/access")


def test_a_mailer_has_fields() -> None:
    mailer = cf.read(TEXT).mailers["smtp"]
    assert [cf.field(mailer, key) for key in "PAX"] == ["[IPC]", "TCP $h 587", ""]


def test_what_has_a_name_of_ours() -> None:
    assert cf.named(cf.read(TEXT), "tlsconf_") == {"Ctlsconf_x": ("C{tlsconf_x}a b",)}


def test_modifiers_of_a_port() -> None:
    assert [cf.flags(text) for text in ("Port=smtp, M=Ea", "Modifiers=S,Port=1", "Name=MTA")] == ["Ea", "S", ""]


def test_answers_of_the_test_mode() -> None:
    text = (
        "ADDRESS TEST MODE (ruleset 3 NOT automatically invoked)\nEnter <ruleset> <address>\n"
        "> > a                  input: x\nb                  input: x\nb                returns: y\n"
        "a                returns: $# error $: no\n"
        "> a                  input: z\na                returns: z\n> \n"
    )
    assert questions.parts(text) == ["$# error $: no", "z"]


def test_routes() -> None:
    mailers = cf.read(TEXT).mailers
    answer = "$# smtp $@ [ 192 . 0 . 2 . 1 ] $: user < @ a . example . >"
    assert questions.route(answer, mailers) == ("smtp", "[192.0.2.1]", 587)
    assert questions.route("$# local $: user", mailers) is None
    assert questions.route("$# error $@ 5.1.2 $: no", mailers) is None
