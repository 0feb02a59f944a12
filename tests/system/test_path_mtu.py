"""A path whose middle link carries less than the links of its ends: with routers that say so, and with routers that keep silent."""

import os

import policies
from lab import LabTest, new_marker, pcap
from peers import run

NARROW = 1280
TRANSFER_BYTES = 5_000_000
# Host a has the lab's network, host b one behind the narrow link.
NETWORKS = {"a": ("10.77.0.0/24", "fd77::/64"), "b": ("10.79.0.0/24", "fd79::/64")}
ADDRESSES = {"a": {4: "10.77.0.1", 6: "fd77::1"}, "b": {4: "10.79.0.2", 6: "fd79::2"}}
ROUTERS = {"near": {4: "10.77.0.101", 6: "fd77::101"}, "far": {4: "10.79.0.1", 6: "fd79::1"}}
SILENCE = """
table inet silence {
  chain output {
    type filter hook output priority 0; policy accept;
    icmp type destination-unreachable counter drop
    icmpv6 type packet-too-big counter drop
  }
}
"""


class Routers:
    """a --- near --- (MTU 1280) --- far --- b: two namespaces of the test's own, and a second interface for host b."""

    def __init__(self, wire, host_b):
        self.near, self.far = (f"{name}-{os.getpid()}" for name in ("near", "far"))
        self.host_b = host_b
        try:
            for name in (self.near, self.far):
                run("ip", "netns", "add", name)
                run("ip", "-n", name, "link", "set", "lo", "up")
                for key in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
                    run("ip", "netns", "exec", name, "sysctl", "-qw", f"net.{key}=1")
            self.cable("narrow", wire, "near", self.near)
            run("ip", "-n", wire, "link", "set", "narrow", "master", "br0")
            self.cable("mid", self.near, "mid", self.far)
            self.cable("eth1", host_b, "far", self.far)
            self.addresses(self.near, "near", *(f"{address}/{length}" for address, length in zip(ROUTERS["near"].values(), (24, 64))))
            self.addresses(self.near, "mid", "10.78.0.1/24", "fd78::1/64")
            self.addresses(self.far, "mid", "10.78.0.2/24", "fd78::2/64")
            self.addresses(self.far, "far", *(f"{address}/{length}" for address, length in zip(ROUTERS["far"].values(), (24, 64))))
            self.addresses(host_b, "eth1", "10.79.0.2/24", "fd79::2/64")
            for there, via in zip(NETWORKS["b"], ("10.78.0.2", "fd78::2")):
                run("ip", "-n", self.near, "route", "add", there, "via", via)
            for there, via in zip(NETWORKS["a"], ("10.78.0.1", "fd78::1")):
                run("ip", "-n", self.far, "route", "add", there, "via", via)
            self.widen(NARROW)
        except BaseException:
            self.remove()
            raise

    @staticmethod
    def cable(one, namespace, other, other_namespace):
        run("ip", "link", "add", one, "netns", namespace, "type", "veth", "peer", "name", other, "netns", other_namespace)
        run("ip", "-n", namespace, "link", "set", one, "up")
        run("ip", "-n", other_namespace, "link", "set", other, "up")

    @staticmethod
    def addresses(namespace, interface, *addresses):
        for address in addresses:
            run("ip", "-n", namespace, "addr", "add", address, "dev", interface, *(("nodad",) if ":" in address else ()))

    def widen(self, mtu):
        """The MTU of the link in the middle."""
        for name in (self.near, self.far):
            run("ip", "-n", name, "link", "set", "mid", "mtu", mtu)

    def be_silent(self):
        for name in (self.near, self.far):
            run("ip", "netns", "exec", name, "nft", "-f", "-", input=SILENCE)

    def remove(self):
        for name in (self.near, self.far):
            run("ip", "netns", "del", name, check=False)


class NarrowPath:
    """Run for each kind of routers below."""

    SILENT = None
    SOURCE = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.namespaces = namespaces = {host: cls.lab.host_status(host)["namespace"] for host in cls.HOSTS}
        cls.routers = Routers(cls.lab.status()["wire"]["namespace"], namespaces["b"])
        cls.addClassCleanup(cls.routers.remove)
        if cls.SILENT:
            cls.routers.be_silent()
        for version in (4, 6):
            run("ip", "-n", namespaces["a"], "route", "add", NETWORKS["b"][version == 6], "via", ROUTERS["near"][version])
            # Host b is in both networks; what it answers goes the way it came.
            length = 32 if version == 4 else 128
            run("ip", "-n", namespaces["b"], "route", "add", f"{ADDRESSES['a'][version]}/{length}", "via", ROUTERS["far"][version], "dev", "eth1")
        # The hosts' own TCP has to find nothing out.
        for namespace in namespaces.values():
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.tcp_mtu_probing=0")
        for host, other in (("a", "b"), ("b", "a")):
            filters = [{"source": "me", "destination": network} for network in NETWORKS[other]]
            cls.lab.apply(host, policies.document("Narrow", policies.rule("Narrow", filters, policies.negotiate())))

    def forget_sizes(self):
        """What the hosts' stacks know of paths: a host tells the other one a smaller segment size in its SYN where it knows one."""
        for namespace in self.namespaces.values():
            for family in ("-4", "-6"):
                run("ip", family, "-n", namespace, "route", "flush", "cache")

    def transfer(self, source, target, version):
        self.forget_sizes()
        marker = new_marker()
        address = ADDRESSES[target][version]
        with self.lab.talker(target, "receive", address, 5001) as receiver:
            sent = self.lab.traffic(source, "send", address, 5001, TRANSFER_BYTES, marker.hex())
            return marker, sent, receiver.result()

    def outbound(self, host, destination):
        return [status for status in self.lab.show(host, "qmsas")["sas"]
                if status["sa"]["direction"] == "outbound" and status["sa"]["destination"] == destination]

    def test_PMT_tcp_arrives_through_it_in_both_directions(self):
        for source, target in (("a", "b"), ("b", "a")):
            for version in (4, 6):
                with self.subTest(source=source, version=version):
                    with self.lab.capture("a") as file:
                        marker, sent, received = self.transfer(source, target, version)
                    self.assertEqual((received["bytes"], received["sha256"]), (TRANSFER_BYTES, sent["sha256"]))
                    print(f"{source} to {target}, IPv{version}: {sent['seconds']:.1f} s")
                    self.assertFalse(pcap.contains(file, marker), "the payload was on the wire in clear")
                    statuses = self.outbound(source, ADDRESSES[target][version])
                    self.assertEqual([(status["path_mtu"], status["path_mtu_source"]) for status in statuses], [(NARROW, self.SOURCE)])
                    self.assertIn(f"{NARROW} (", self.lab.netsh(source, "ipsec", "dynamic", "show", "qmsas", "format=list"))

    def test_PMT_what_may_be_cut_arrives(self):
        self.lab.ping("a", ADDRESSES["b"][4], "-M", "dont", "-s", "4000")


class SilentRouters(NarrowPath, LabTest):
    SILENT = True
    SOURCE = "probe"


class HonestRouters(NarrowPath, LabTest):
    SILENT = False
    SOURCE = "router"


if __name__ == "__main__":
    import unittest

    unittest.main()
