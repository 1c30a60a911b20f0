"""What real servers write where a machine hands mail to itself: content filters of Postfix, and Sendmail's queue of submitted mail."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.lab import certificates, sandbox
from tests.lab import run as lab_run
from tests.lab.install import settle
from tests.native.test_probe import profile, scenario
from tests.traffic.lines import read
from tlsconf.traffic.inside import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLIENT: Final = "198.51.100.9"
SEND: Final = f"""
import smtplib, ssl
server = smtplib.SMTP("{CLIENT}", 25, timeout=20, source_address=("{CLIENT}", 0))
server.starttls(context=ssl._create_unverified_context())
server.sendmail("u@bank.example", ["a@lab.example", "b@lab.example"], "Subject: x\\n\\nx\\n")
server.quit()
"""
BEHIND: Final = "127.0.0.1:10025"  # the server that takes mail back from the filter; there is no filter between
PATIENCE: Final = 20.0
AFTER_THE_QUEUE: Final = f"content_filter = smtp:[{BEHIND.replace(':', ']:')}"
BEFORE_THE_QUEUE: Final = f"smtp/inet/smtpd_proxy_filter={BEHIND}"


def wait_for(box: sandbox.Sandbox, text: str) -> str:
    """Return the log once it has a text."""
    deadline = time.monotonic() + PATIENCE
    while text not in (log := box.log()):
        assert time.monotonic() < deadline, log
        time.sleep(0.2)
    return log


@pytest.mark.parametrize("build", ["postfix-debian-11", "postfix-debian-13"])
@pytest.mark.parametrize("way", ["after the queue", "before the queue", "before the queue, with XFORWARD"])
def test_a_message_through_a_filter_of_postfix_is_received_once_and_with_tls(root: Callable[[str], Path], build: str, way: str) -> None:
    pair = certificates.made().server
    with sandbox.opened(root(build)) as box:
        subprocess.run(["nsenter", "-t", str(box.pid), "-n", "ip", "addr", "add", f"{CLIENT}/32", "dev", "lo"], check=True, timeout=10)
        box.run("sh", "-c", "cat > /etc/ssl/pair.pem", stdin=(pair.key + pair.chain).encode())
        settings = {
            "smtpd_tls_chain_files": "/etc/ssl/pair.pem",
            "smtpd_tls_cert_file": "",
            "smtpd_tls_key_file": "",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_loglevel": "1",
            "mydestination": "lab.example",
            "local_recipient_maps": "",
            "alias_maps": "",
            "local_transport": "discard:",
            "smtpd_authorized_xforward_hosts": "127.0.0.0/8" if "XFORWARD" in way else "",
        }
        box.run("postconf", "-e", *(f"{name} = {value}" for name, value in settings.items()))
        own = "-o content_filter= -o smtpd_proxy_filter= -o smtpd_tls_security_level=none"
        box.run("postconf", "-M", f"{BEHIND}/inet={BEHIND} inet n - n - - smtpd {own}")
        box.run("postconf", *(("-e", AFTER_THE_QUEUE) if way == "after the queue" else ("-P", BEFORE_THE_QUEUE)))
        settle(box)
        box.run("postfix", "start")
        subprocess.run(["nsenter", "-t", str(box.pid), "-n", sys.executable, "-c", SEND], check=True, timeout=60)
        log = wait_for(box, "to=<b@lab.example>, relay=none")
    assert "client=localhost[127.0.0.1]" in log
    assert ("orig_client=" in log) == ("XFORWARD" in way)
    found, reading = read(log)
    assert reading.examples == []
    (passage,) = found
    assert (passage.domain, passage.sent, passage.address) == ("bank.example", False, CLIENT)
    assert passage.session is not None
    assert str(passage.session.version) == "TLSv1.3"


@pytest.mark.parametrize("build", ["sendmail-debian-11", "sendmail-debian-13"])
def test_what_sendmail_hands_to_its_daemon_is_not_counted(root: Callable[[str], Path], build: str) -> None:
    assert root(build).is_dir()
    with lab_run.opened(build, scenario(profile({}))) as lab:
        before = lab.box.log()
        lab.box.run("sendmail", "-f", "root@lab.example", "root@lab.example", stdin=b"Subject: x\n\nx\n", check=False)
        log = wait_for(lab.box, "Message accepted for delivery")[len(before) :]
    assert "relay=[127.0.0.1] [127.0.0.1]" in log
    found, reading = read(log)
    assert reading.examples == []
    assert [passage for passage in found if is_loopback(passage.address) and passage.result == "delivered"] == []
