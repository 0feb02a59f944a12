"""Foreign IPsec implementations that join a lab's wire: strongSwan in a namespace, a Linux kernel in a virtual machine.

Their scripts stand beside the checkout in ../shared/peers; a test that needs one is skipped with a printed reason where they are not.
"""

import os
import pathlib
import re
import subprocess

from lab import TOP, shared

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
    """A namespace with one interface, eth0, plugged into the lab's bridge."""

    def __init__(self, wire_namespace, name, address, length=24):
        self.wire = wire_namespace
        self.name = name
        self.address = address
        self.port = f"p{os.getpid()}"[:15]
        run("ip", "netns", "add", name)
        try:
            run("ip", "link", "add", self.port, "netns", wire_namespace, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "-n", wire_namespace, "link", "set", self.port, "master", "br0", "up")
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
    """A charon without data path ("null" kernel): every SA is accepted and its keys are written to the log."""

    SA_LINE = re.compile(r"null SA (in|out) esp spi ([0-9a-f]{8}) (\S+) -> (\S+) (tunnel|transport)\S* .*enc (\S+) key ([0-9a-f:]*)"
                         r" ?int (\S+) key ?([0-9a-f:]*)")

    def __init__(self, namespace, directory, remote, ike="aes128-sha256-modp2048", esp="aes128-sha256", mode="transport",
                 key=PRESHARED_KEY, extra=()):
        self.scripts = shared("peers/strongswan")
        self.directory = pathlib.Path(directory)
        if not pathlib.Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-null.so").exists():
            print(run(self.scripts / "build-plugins", timeout=600))
        run(self.scripts / "up", "-n", namespace.name, "-d", directory, "--local", namespace.address, "--remote", remote,
            "--version", 1, "--kernel", "null", "--mode", mode, "--ike", ike, "--esp", esp, "--psk", key, *extra)

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


class LinuxKernelPeer:
    """A guest with the kernel's own ESP and strongSwan for IKE, plugged into the lab's bridge."""

    def __init__(self, wire_namespace, directory, address=PEER_ADDRESS):
        self.scripts = shared("peers/linux-kernel")
        self.directory = pathlib.Path(directory)
        self.address = address
        image = pathlib.Path(os.environ.get("POLICYAGENT_PEER_IMAGE", TOP / "build" / "peer-image"))
        run(self.scripts / "up", "-q", "-i", image, "-b", "br0", "-l", "none", "-a", f"{address}/24", self.directory, wire_namespace,
            timeout=300)

    def exec(self, command, check=True, timeout=60):
        return run(self.scripts / "exec", "-t", timeout, self.directory, "--", "bash", "-c", command, check=check, timeout=timeout + 20)

    def strongswan(self, remote, mode, esp, ike="aes128-sha256-modp2048", local_ts="dynamic", remote_ts="dynamic",
                   key=PRESHARED_KEY):
        (self.directory / "share/swanctl/t.conf").write_text(f"""
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
""")
        self.exec("swan stop; swan start")

    def initiate(self):
        return self.exec("swanctl --initiate --child c --timeout 20")

    def states(self):
        return self.exec("ip -s xfrm state")

    def clear(self):
        self.exec("swan stop; ip xfrm state flush; ip xfrm policy flush", check=False)

    def stop(self):
        run(self.scripts / "down", self.directory, check=False, timeout=60)


