"""ca_file and allow_networks: checked before anything starts, read again by SIGHUP, and why TLS fails is told."""

import re
import signal
import subprocess

import pytest

from tests.e2e.harness import BIN, eventually
from tests.sim.tls import TlsServer

BAD = {
    "missing": (None, "No such file"),
    "empty": ("", "holds no certificate"),
    "text": ("here be certificates\n", "holds no certificate"),
    "key": ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no certificate"),
    "broken": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
}


@pytest.fixture
def tls(tmp_path):
    server = TlsServer(tmp_path)
    yield server
    server.close()


@pytest.mark.parametrize("what", BAD)
def test_bad_file_is_no_setting(tmp_path, what):
    """--check and the start name the setting and its line, beside what else is wrong; exit 78."""
    path = tmp_path / "ca.pem"
    content, said = BAD[what]
    if content is not None:
        path.write_text(content)
    config = tmp_path / "hubd.conf"
    config.write_text(f"ca_file = {path}\nstate_dir = {tmp_path}/state\nallow_networks = 10.0.0.1/8\n")
    for extra in (["--check"], []):
        done = subprocess.run([BIN / "hubd", "-c", config, *extra], capture_output=True, text=True, timeout=60)
        assert done.returncode == 78, done
        assert f"{config}:1: ca_file" in done.stderr and said in done.stderr and f"{config}:3: allow_networks" in done.stderr, done
    assert not (tmp_path / "state").exists()


def reload(hub, **settings):
    hub.config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    before = hub.stderr().count("reload: ")
    hub.process.send_signal(signal.SIGHUP)
    eventually(lambda: hub.stderr().count("reload: ") > before, "the settings are read again")


def test_read_again_by_sighup(new_hub, tls, tmp_path):
    """Of the same name with other content, too; a bad one keeps the old. The reason of the failure is logged once."""
    path = tmp_path / "ca.pem"
    (tmp_path / "other").mkdir()
    TlsServer(tmp_path / "other").close()
    path.write_bytes((tmp_path / "other" / "certificate.pem").read_bytes())
    hub = new_hub(start=False, probe_interval="100ms", probe_timeout="5s", allow_networks=None, allow_private_networks=None)
    hub.config.write_text(f"ca_file = {path}\nallow_private_networks = yes\n")
    hub.start()
    platform = hub.onboard("CPO")
    hub.ok("receiver", "set", platform.id, "versions", tls.url)
    hub.wait_log("warn IN-C.*certificate")
    attempts = tls.attempts
    eventually(lambda: tls.attempts > attempts + 5, "it is probed again")
    assert hub.stderr().count("warn IN-C") == 1 and tls.requests == []
    path.write_bytes(tls.certificate.read_bytes())
    reload(hub, ca_file=path, allow_private_networks="yes")
    eventually(lambda: tls.requests, "the new certificate is known")
    path.write_text("nothing")
    reload(hub, ca_file=path, allow_private_networks="yes")
    assert "the old settings stay" in hub.stderr()
    count = len(tls.requests)
    eventually(lambda: len(tls.requests) > count, "the old ones serve on")
    path.write_bytes(tls.certificate.read_bytes())
    reload(hub, ca_file=path, allow_private_networks="no")
    hub.wait_log("loopback address", "private networks are refused now")


def test_why_tls_fails_is_told(new_hub, tls, tmp_path):
    """In party show and party check; when the authority is trusted, the platform comes back by itself."""
    path = tmp_path / "ca.pem"
    (tmp_path / "other").mkdir()
    TlsServer(tmp_path / "other").close()
    path.write_bytes((tmp_path / "other" / "certificate.pem").read_bytes())
    hub = new_hub(start=False, probe_interval="100ms", probe_timeout="5s", offline_after="1s", allow_networks=None, allow_private_networks=None)
    hub.config.write_text(f"ca_file = {path}\nallow_private_networks = yes\n")
    hub.start()
    platform = hub.onboard("CPO")
    hub.ok("receiver", "set", platform.id, "versions", tls.url)
    hub.wait_status(platform.id, "OFFLINE")
    assert "certificate" in hub.one("party", "show", platform.id)["last_error"]
    assert "certificate" in hub.ctl("party", "check", platform.id).out  # it reaches the platform's other URLs meanwhile
    count = hub.stderr().count("debug probe of")
    eventually(lambda: hub.stderr().count("debug probe of") > count + 1, "it fails again")
    assert len(re.findall("warn .*certificate", hub.stderr())) == 1
    tls.answer = b'HTTP/1.1 200 OK\r\nContent-Length: 71\r\nConnection: close\r\n\r\n{"data":[],"status_code":1000,"timestamp":"2025-01-01T00:00:00Z"}      '
    path.write_bytes(tls.certificate.read_bytes())
    reload(hub, ca_file=path, allow_private_networks="yes")
    hub.wait_status(platform.id, "CONNECTED")


@pytest.mark.parametrize("certificate, said", [({"address": "127.0.0.9"}, "127.0.0.1"), ({"expired": True}, "expired")], ids=["name", "expired"])
def test_other_reasons(new_hub, tmp_path, certificate, said):
    """A trusted certificate for somebody else, and one that was good until yesterday."""
    tls = TlsServer(tmp_path, **certificate)
    hub = new_hub(probe_interval="100ms", probe_timeout="5s", ca_file=tls.certificate)
    platform = hub.onboard("CPO")
    hub.ok("receiver", "set", platform.id, "versions", tls.url)
    shown = eventually(lambda: hub.one("party", "show", platform.id)["last_error"], "the probe fails")
    assert said in shown and "certificate" in shown, shown
    remedy = {"127.0.0.1": "names the host", "expired": "renew the certificate"}[said]
    hub.ok("receiver", "unset", platform.id, "versions")
    hub.ok("receiver", "set", platform.id, "tokens", tls.url.replace("/ocpi/versions", "/tokens"))
    (report,) = hub.ctl("--json", "party", "check", platform.id).json
    (tokens,) = [check for check in report["checks"] if check["check"] == "receiver.tokens"]
    assert remedy in tokens["remedy"] and "address in" not in tokens["remedy"], tokens
    tls.close()


def test_connect_says_what_of_tls(new_hub, tls):
    """Nobody's fault but the certificate's: the hub's address is not what is refused."""
    hub = new_hub()
    platform, token = hub.invited()
    result = hub.ctl("party", "connect", platform.id, "--versions-url", tls.url, "--token-file", "-", stdin=token)
    assert result.rc != 0 and "ca_file" in result.err and "address in" not in result.err, result
