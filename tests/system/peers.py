"""Foreign IPsec implementations that join a lab's wire: strongSwan in a namespace, a Linux kernel in a virtual machine.

strongSwan's scripts stand beside the checkout in ../shared/peers; a test that needs them is skipped with a printed reason where they are not.
"""

import os
import pathlib
import re
import subprocess

from kernel_guest import KernelGuest
from lab import shared

PEER_ADDRESS = "10.77.0.9"
PRESHARED_KEY = "interop secret; with = signs"


def run(*command, check=True, timeout=120, **options):
    """Output of a command as text; its failure carries what it printed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


class WireNamespace:
    """A namespace with one interface, eth0, plugged into a bridge of the lab."""

    def __init__(self, wire_namespace, name, address, length=24, bridge="br0"):
        self.wire = wire_namespace
        self.name = name
        self.address = address
        self.port = f"p{os.getpid()}"[:15]
        run("ip", "netns", "add", name)
        try:
            run("ip", "link", "add", self.port, "netns", wire_namespace, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "-n", wire_namespace, "link", "set", self.port, "master", bridge, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "addr", "add", f"{address}/{length}", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        except BaseException:
            self.remove()
            raise

    def exec(self, *command, **options):
        return run("ip", "netns", "exec", self.name, *command, **options)

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


class StrongSwan:
    """A charon; without data path ("null" kernel) every SA is accepted and its keys are written to the log."""

    SA_LINE = re.compile(r"null SA (in|out) (?:esp|ah) spi ([0-9a-f]{8}) (\S+) -> (\S+) (tunnel|transport)\S* .*enc (\S+) key ([0-9a-f:]*)"
                         r" ?int (\S+) key ?([0-9a-f:]*)")

    def __init__(self, namespace, directory, remote, ike="aes128-sha256-modp2048", esp="aes128-sha256", mode="transport",
                 key=PRESHARED_KEY, extra=(), kernel="null"):
        self.scripts = shared("peers/strongswan")
        self.directory = pathlib.Path(directory)
        if not pathlib.Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-null.so").exists():
            print(run(self.scripts / "build-plugins", timeout=600))
        run(self.scripts / "up", "-n", namespace.name, "-d", directory, "--local", namespace.address, "--remote", remote,
            "--version", 1, "--kernel", kernel, "--mode", mode, "--ike", ike, "--esp", esp, "--psk", key, *extra)

    def control(self, *words, check=True, timeout=60):
        return run(self.directory / "ctl", *words, check=check, timeout=timeout)

    def initiate(self, check=True):
        return self.control("--initiate", "--child", "c", "--timeout", 20, check=check)

    def log(self):
        return (self.directory / "charon.log").read_text(errors="replace")

    def security_associations(self):
        """SPI -> direction, addresses and keys, as the log of the null kernel tells them."""
        found = {}
        for match in self.SA_LINE.finditer(self.log()):
            direction, spi, source, destination, mode, cipher, key, integrity, integrity_key = match.groups()
            found[int(spi, 16)] = {"direction": direction, "source": source, "destination": destination, "mode": mode, "cipher": cipher,
                                   "key": bytes.fromhex(key.replace(":", "")), "integrity": integrity,
                                   "integrity_key": bytes.fromhex(integrity_key.replace(":", ""))}
        return found

    def stop(self):
        run(self.scripts / "down", "-d", self.directory, check=False, timeout=180)


class LinuxKernelPeer(KernelGuest):
    """A virtual machine with the kernel's own ESP and strongSwan for IKE, plugged into the lab's bridge."""

    # charon is started once: processes are slow to start in an emulated machine.
    LOAD = """
[ -S /var/run/charon.vici ] || charon-systemd > /tmp/charon.out 2>&1 &
for i in $(seq 200); do [ -S /var/run/charon.vici ] && exec swanctl --load-all; sleep 0.1; done
echo "charon did not start"; cat /tmp/charon.out; exit 1"""

    def __init__(self, wire_namespace, directory, address=PEER_ADDRESS):
        self.address = address
        super().__init__(wire_namespace, directory, address)

    def strongswan(self, remote, mode, esp, ike="aes128-sha256-modp2048", local_ts="dynamic", remote_ts="dynamic",
                   key=PRESHARED_KEY):
        """One connection, t, with one child, c, in this mode with these suites (strongSwan's words)."""
        self.exec(f"""mkdir -p /etc/swanctl
cat > /etc/swanctl/swanctl.conf <<'X'
connections {{ t {{
  version = 1
  local_addrs = {self.address}
  remote_addrs = {remote}
  proposals = {ike}
  local {{ auth = psk
    id = {self.address} }}
  remote {{ auth = psk
    id = {remote} }}
  children {{ c {{
    mode = {mode}
    esp_proposals = {esp}
    local_ts = {local_ts}
    remote_ts = {remote_ts} }} }} }} }}
secrets {{ ike-t {{ secret = "{key}" }} }}
X
{self.LOAD}""")

    def initiate(self):
        return self.exec("swanctl --initiate --child c --timeout 20")

    def associations(self):
        """SPI -> mode, (cipher, integrity or None for an AEAD, bits of the check value) and the bytes that went through."""
        found = {}
        for text in re.split(r"^(?=src )", self.exec("ip -s xfrm state"), flags=re.MULTILINE)[1:]:
            aead = re.search(r"\taead (\S+) 0x\w+ \(\d+ bits\) (\d+)", text)
            if aead:
                algorithms = (aead.group(1), None, int(aead.group(2)))
            else:
                integrity, bits = re.search(r"\tauth-trunc (\S+) 0x\w+ \(\d+ bits\) (\d+)", text).groups()
                algorithms = (re.search(r"\tenc (\S+)", text).group(1), integrity, int(bits))
            spi = int(re.search(r"spi 0x(\w+)", text).group(1), 16)
            found[spi] = {"mode": re.search(r"mode (\w+)", text).group(1), "algorithms": algorithms,
                          "bytes": int(re.search(r"lifetime current:\s+(\d+)\(bytes\)", text).group(1))}
        return found

    def dropped(self):
        """The kernel's counters of packets it dropped since it booted, without those that are zero."""
        lines = (line.split() for line in self.exec("cat /proc/net/xfrm_stat").splitlines())
        return {name: int(count) for name, count in lines if count != "0"}

    def strongswan_log(self):
        return self.exec("cat /tmp/charon.log", check=False)

    def clear(self):
        """Ends all IKE SAs, and with them all SAs and policies of the kernel."""
        self.exec("swanctl --terminate --ike t --force --timeout 5 || true; ip xfrm state flush; ip xfrm policy flush")
