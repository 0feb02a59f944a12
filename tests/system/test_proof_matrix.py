"""Manual SAs of every protocol, mode, algorithm and IP version against a real Linux kernel and against scapy.

An ordinary run takes a few cells, chosen by a printed seed; POLICYAGENT_PROOF_MATRIX=all, as `tests/run --all` sets it, takes all of them.
POLICYAGENT_PROOF_SEED chooses others.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import policies
import proof_matrix
from lab import LabTest, pcap
from peers import LinuxKernelPeer, WireNamespace, run

PYTHON = "/usr/bin/python3"
ALL = os.environ.get("POLICYAGENT_PROOF_MATRIX") == "all"
SEED = int(os.environ.get("POLICYAGENT_PROOF_SEED", "2004"))
FEW_FOR_THE_KERNEL, FEW_FOR_SCAPY = 40, 24
# The guest's shell reads a command line by single octets.
LINES_AT_ONCE = 300
PING_SECONDS = 3
# What the kernel counts when a packet is not what one of its SAs makes of it.
BAD_PACKETS = {"XfrmInError", "XfrmInHdrError", "XfrmInStateProtoError", "XfrmInStateModeError", "XfrmInStateSeqError", "XfrmInStateMismatch",
               "XfrmInTmplMismatch", "XfrmInNoStates"}
TSHARK_CIPHER = {"AES128": "AES-CBC [RFC3602]", "AES192": "AES-CBC [RFC3602]", "AES256": "AES-CBC [RFC3602]", "3DES": "TripleDES-CBC [RFC2451]",
                 "DES": "DES-CBC [RFC2405]", "NONE": "NULL", **{name: "AES-GCM with 16 octet ICV [RFC4106]" for name in ("AES128-GCM", "AES192-GCM", "AES256-GCM")}}
TSHARK_HASH = {"MD5": "HMAC-MD5-96 [RFC2403]", "SHA1": "HMAC-SHA-1-96 [RFC2404]", "SHA256": "HMAC-SHA-256-128 [RFC4868]",
               "SHA384": "HMAC-SHA-384-192 [RFC4868]", "SHA512": "HMAC-SHA-512-256 [RFC4868]", "": "NULL",
               "NONE": "NULL"}


def policy():
    """Negotiate filters for the networks of the cells. Nobody has the key: what no manual SA protects does not pass."""
    rules = []
    for (mode, version), forms in proof_matrix.NETWORKS.items():
        near, far = (form.format(0) + ("/24" if version == 4 else "/64") for form in forms)
        name = f"{mode} {version}"
        if mode == "transport":
            rules.append(policies.rule(name, [{"source": near, "destination": far}], policies.negotiate()))
            continue
        for way, source, destination, end in (("out", near, far, proof_matrix.FAR[version]), ("in", far, near, proof_matrix.NEAR[version])):
            rules.append(policies.rule(f"{name} {way}", [{"source": source, "destination": destination, "mirrored": False}],
                                       policies.negotiate(), tunnel=end))
    return policies.document("Matrix", *rules)


def pings(cells, source, target, command):
    """A shell command that prints the place of each cell whose ping is not answered."""
    return "\n".join(f"{command} -c 1 -W {PING_SECONDS} -s {cell.size} -I {getattr(cell, source)} {getattr(cell, target)} > /dev/null 2>&1 || echo {place}"
                     for place, cell in enumerate(cells))


def report(peer, cells, failed):
    """One line for each cell, for whoever reads the log."""
    print(f"---- proof matrix against {peer}: {len(cells)} cells, {len(set(failed))} failed; seed {SEED}", flush=True)
    for cell in cells:
        print(f"{'FAIL' if cell in failed else 'ok  '} {cell}")
    sys.stdout.flush()


class MatrixTest(LabTest):
    HOSTS = ("a",)

    @classmethod
    def prepare(cls, cells):
        """Addresses, routes and policy of the host under test."""
        lines = [f"address add {cell.near}/{32 if cell.version == 4 else 128} dev lo" for cell in cells]
        for (_, version), (_, far) in proof_matrix.NETWORKS.items():
            lines.append(f"route add {far.format(0)}/{24 if version == 4 else 64} via {proof_matrix.FAR[version]}")
        file = cls.lab.directory / "addresses"
        file.write_text("\n".join(lines) + "\n", encoding="ascii")
        cls.lab.exec("a", "ip", "-batch", str(file))
        cls.lab.apply("a", policy())

    def add_all(self, cells):
        script = [line for cell in cells for line in cell.netsh()]
        printed = self.lab.netsh_script("a", script, check=False)
        self.assertNotIn("ERR", printed)
        listed = self.lab.show("a", "sas", "type=manual")["sas"]
        self.assertEqual(len(listed), 2 * len(cells))

    def assert_used(self, cells, packets):
        """Each SA of ours has carried as many packets at least."""
        carried = {entry["sa"]["spi"]: entry["packets"] for entry in self.lab.show("a", "sas", "type=manual")["sas"]}
        for cell in cells:
            for outbound in (True, False):
                self.assertGreaterEqual(carried[cell.direction(outbound).spi], packets, f"{cell} {'out' if outbound else 'in'}")

    def clear(self):
        self.lab.netsh("a", "ipsec", "dynamic", "delete", "sa", "type=manual")
        self.assertEqual(self.lab.show("a", "sas", "type=manual")["sas"], [])


class LinuxKernel(MatrixTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cells = proof_matrix.all_cells()
        cls.cells = cells if ALL else proof_matrix.a_few(cells, FEW_FOR_THE_KERNEL, SEED)
        directory = tempfile.TemporaryDirectory(prefix="kernel-")
        cls.addClassCleanup(directory.cleanup)
        cls.kernel = LinuxKernelPeer(cls.lab.status()["wire"]["namespace"], pathlib.Path(directory.name) / "guest", proof_matrix.FAR[4])
        cls.addClassCleanup(cls.kernel.stop)
        cls.prepare(cls.cells)
        cls.kernel.exec(f"sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0;"
                        f" ip addr add {proof_matrix.FAR[6]}/64 dev eth0 nodad")
        lines = [f"address add {cell.far}/{32 if cell.version == 4 else 128} dev lo" for cell in cls.cells]
        for (_, version), (near, _) in proof_matrix.NETWORKS.items():
            lines.append(f"route add {near.format(0)}/{24 if version == 4 else 64} via {proof_matrix.NEAR[version]}")
        cls.guest_batch(lines)

    @classmethod
    def guest_batch(cls, lines):
        for first in range(0, len(lines), LINES_AT_ONCE):
            text = "\n".join(lines[first:first + LINES_AT_ONCE])
            cls.kernel.exec(f"cat > /tmp/batch <<'X'\n{text}\nX\nip -batch /tmp/batch")

    def failed(self, printed, cells):
        return [cells[int(place)] for place in printed.split()]

    def test_every_cell_both_ways(self):
        cells = self.cells
        self.guest_batch([line for cell in cells for line in cell.kernel()])
        self.add_all(cells)
        with self.lab.capture("a") as file:
            out = self.lab.exec("a", "bash", "-c", pings(cells, "near", "far", "ping -n")).stdout
            back = self.kernel.exec(pings(cells, "far", "near", "ping"), timeout=200)
        failed = self.failed(out, cells) + self.failed(back, cells)
        report("a Linux kernel", cells, failed)
        dropped = self.kernel.dropped()
        self.assertEqual([str(cell) for cell in failed], [], f"{dropped}\n{self.lab.verdicts('a')}")
        self.assertEqual(BAD_PACKETS & set(dropped), set(), str(dropped))
        # Each of the two pings is a packet in each direction.
        self.assert_used(cells, 2)
        kinds = pcap.counts(file)
        self.assertEqual(set(kinds) - {"ESP", "AH", "ARP", "neighbour discovery", "multicast listener"}, set(), str(kinds))
        self.dissect(file, [cell for cell in cells if not cell.extended and cell.cipher != "CHACHA20-POLY1305"])
        self.clear()

    def dissect(self, file, cells):
        """tshark, given the keys, finds each echo request and answer, every ICV good, and nothing it cannot read."""
        options = ["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
        for cell in cells:
            for way in (cell.direction(True), cell.direction(False)):
                if cell.cipher:
                    row = (f"IPv{cell.version}", way.outer_source, way.outer_destination, f"{way.spi:#010x}", TSHARK_CIPHER[cell.cipher],
                           f"0x{way.cipher_key.hex()}" if way.cipher_key else "", TSHARK_HASH[cell.hash],
                           f"0x{way.hash_key.hex()}" if way.hash_key else "")
                    options += ["-o", "uat:esp_sa:" + ",".join(f'"{word}"' for word in row)]
        fields = ["esp.spi", "ah.spi", "frame.protocols", "_ws.malformed", "esp.icv_bad"]
        lines = run("tshark", "-r", file, *options, "-Y", "esp or ah", "-T", "fields", "-E", "separator=/t",
                    *(word for field in fields for word in ("-e", field))).splitlines()
        echoes = {}
        for line in lines:
            values = (line.split("\t") + [""] * len(fields))[:len(fields)]
            if len(values) < len(fields) or not (values[0] or values[1]).startswith("0x"):
                continue
            esp, ah, protocols, malformed, bad = values
            self.assertEqual(malformed, "", line)
            self.assertNotIn(bad, ("1", "True"), line)
            if protocols.endswith(("icmp:data", "icmpv6:data")):
                spi = int((esp or ah).split(",")[0], 16)
                echoes[spi] = echoes.get(spi, 0) + 1
        for cell in cells:
            for outbound in (True, False):
                self.assertEqual(echoes.get(cell.direction(outbound).spi, 0), 2, f"tshark found echoes of {cell}: {len(lines)} packets")


class Scapy(MatrixTest):
    PROGRAM = pathlib.Path(__file__).with_name("scapy_matrix_peer.py")

    @classmethod
    def setUpClass(cls):
        if importlib.util.find_spec("scapy") is None and subprocess.run([PYTHON, "-c", "import scapy"], check=False).returncode != 0:
            raise unittest.SkipTest("python3-scapy is not installed")
        super().setUpClass()
        # scapy 2.5 leaves the high half of an extended number out of ESP's separate ICV.
        cells = [cell for cell in proof_matrix.all_cells() if not cell.extended and cell.hash != "NONE"]
        cls.cells = cells if ALL else proof_matrix.a_few(cells, FEW_FOR_SCAPY, SEED)
        cls.peer = WireNamespace(cls.lab.status()["wire"]["namespace"], f"matrix{os.getpid()}", proof_matrix.FAR[4])
        cls.addClassCleanup(cls.peer.remove)
        cls.peer.exec("ip", "addr", "add", f"{proof_matrix.FAR[6]}/64", "dev", "eth0", "nodad")
        cls.prepare(cls.cells)

    def test_every_cell_both_ways(self):
        cells = self.cells
        self.add_all(cells)
        file = self.lab.directory / "cells.json"
        described = [{"name": str(cell), "version": cell.version, "mode": cell.mode, "cipher": cell.cipher, "hash": cell.hash, "ah": cell.ah,
                      **{name: {key: value.hex() if isinstance(value, bytes) else value for key, value in vars(cell.direction(out)).items()}
                         for name, out in (("inbound", True), ("outbound", False))}} for cell in cells]
        file.write_text(json.dumps(described), encoding="ascii")
        program = subprocess.Popen(["ip", "netns", "exec", self.peer.name, PYTHON, "-B", str(self.PROGRAM), "eth0", str(file)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            self.assertEqual(program.stdout.readline().strip(), "ready")
            out = self.lab.exec("a", "bash", "-c", pings(cells, "near", "far", "ping -n")).stdout
            program.stdin.write("ask\n")
            program.stdin.flush()
            output, errors = program.communicate(timeout=300)
        finally:
            program.kill()
            program.wait()
        answered = json.loads(output.splitlines()[-1])
        failed = [cells[int(place)] for place in out.split()] + [cell for cell in cells if str(cell) not in answered]
        report("scapy", cells, failed)
        self.assertEqual([str(cell) for cell in failed], [], f"{self.lab.verdicts('a')}\n{errors[-2000:]}")
        self.assert_used(cells, 2)
        self.clear()
