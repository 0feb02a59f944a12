"""Two networks behind gateways: their hosts know nothing of IPsec, the gateways carry their traffic through a tunnel."""

import ipaddress
import json
import os
import re
import subprocess

import policies
from lab import LabTest, new_marker, pcap, wait_for
from lab_client import PYTHON, TRAFFIC, Talker
from peers import run

GATEWAYS = {4: {"a": "10.77.0.1", "b": "10.77.0.2"}, 6: {"a": "fd77::1", "b": "fd77::2"}}
NETWORKS = {4: {"a": "192.168.1.0/24", "b": "192.168.2.0/24"}, 6: {"a": "fd01::/64", "b": "fd02::/64"}}
OTHER = {"a": "b", "b": "a"}
TRANSFER_BYTES = 2_000_000


def address_in(network, number):
    return str(ipaddress.ip_network(network)[number])


class Network:
    """A namespace with one host behind a gateway, in networks of both families."""

    def __init__(self, side, gateway_namespace):
        self.name = f"lan-{side}-{os.getpid()}"
        self.addresses = {version: address_in(NETWORKS[version][side], 5) for version in (4, 6)}
        run("ip", "netns", "add", self.name)
        try:
            run("ip", "link", "add", "lan0", "netns", gateway_namespace, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            run("ip", "-n", self.name, "link", "set", "lo", "up")
            run("ip", "-n", self.name, "link", "set", "eth0", "up")
            run("ip", "-n", gateway_namespace, "link", "set", "lan0", "up")
            for key in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
                run("ip", "netns", "exec", gateway_namespace, "sysctl", "-qw", f"net.{key}=1")
            for version, length, nodad in ((4, 24, ()), (6, 64, ("nodad",))):
                gateway = address_in(NETWORKS[version][side], 1)
                run("ip", "-n", gateway_namespace, "addr", "add", f"{gateway}/{length}", "dev", "lan0", *nodad)
                run("ip", "-n", gateway_namespace, "route", "add", NETWORKS[version][OTHER[side]], "via", GATEWAYS[version][OTHER[side]])
                run("ip", "-n", self.name, "addr", "add", f"{self.addresses[version]}/{length}", "dev", "eth0", *nodad)
                run("ip", "-n", self.name, "route", "add", "default", "via", gateway)
        except BaseException:
            self.remove()
            raise

    def exec(self, *command, **options):
        return run("ip", "netns", "exec", self.name, *command, **options)

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


class TwoNetworks:
    """Run for each pair of families below."""

    INNER = None
    OUTER = None
    # The largest inner packet under AES-GCM with a 16 octet ICV on a path of 1500.
    INNER_MTU = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.networks = {}
        cls.gateways = GATEWAYS[cls.OUTER]
        for side in ("a", "b"):
            cls.networks[side] = Network(side, cls.lab.host_status(side)["namespace"])
            cls.addClassCleanup(cls.networks[side].remove)
        for side in ("a", "b"):
            here, there = (NETWORKS[cls.INNER][each] for each in (side, OTHER[side]))
            cls.lab.apply(side, policies.tunnel(here, there, cls.gateways[side], cls.gateways[OTHER[side]]))

    def address(self, side):
        return self.networks[side].addresses[self.INNER]

    def ping(self, *options):
        return self.networks["a"].exec("ping", "-n", "-W", "5", *map(str, options), self.address("b"), check=False)

    def test_HDR_13_HDR_17_a_ping_from_network_to_network_is_only_seen_as_esp_between_the_gateways(self):
        marker = new_marker()
        with self.lab.capture("a") as file:
            answer = self.ping("-c", 4, "-s", 300, "-p", marker.hex())
        self.assertIn(" 4 received", answer)
        self.assert_protected(file, marker)
        ends = {(packet.source, packet.destination) for packet in pcap.packets(file) if packet.kind == "ESP"}
        self.assertEqual(ends, {tuple(self.gateways.values()), tuple(reversed(self.gateways.values()))})
        for side in ("a", "b"):
            self.assertEqual(self.lab.verdict(side, "outbound_against_policy"), 0)

    def test_PMT_03_a_host_behind_the_gateway_is_told_the_mtu_of_the_tunnel(self):
        self.ping("-c", 1)
        # What other packets have taught the host's stack already.
        self.networks["a"].exec("ip", f"-{self.INNER}", "route", "flush", "cache")
        headers = 28 if self.INNER == 4 else 48
        too_big = self.ping("-c", 1, "-M", "do", "-s", self.INNER_MTU - headers + 1)
        self.assertRegex(too_big, re.compile(rf"mtu ?= ?{self.INNER_MTU}\b"), "the ICMP message")
        self.assertIn(" 1 received", self.ping("-c", 1, "-M", "do", "-s", self.INNER_MTU - headers))

    def test_packets_that_may_be_cut_arrive_whole(self):
        self.assertIn(" 2 received", self.ping("-c", 2, "-M", "dont", "-s", 6000))

    def test_HDR_17_tcp_from_network_to_network(self):
        marker = new_marker()
        address = self.address("b")
        receiver = Talker(["ip", "netns", "exec", self.networks["b"].name, PYTHON, "-B", str(TRAFFIC), "receive", address, "5001"])
        with self.lab.capture("a") as file, receiver:
            sent = json.loads(self.networks["a"].exec(PYTHON, "-B", TRAFFIC, "send", address, 5001, TRANSFER_BYTES, marker.hex()))
            received = receiver.result()
        self.assertEqual((received["bytes"], received["sha256"]), (TRANSFER_BYTES, sent["sha256"]))
        self.assert_protected(file, marker)


class FourInFour(TwoNetworks, LabTest):
    INNER, OUTER, INNER_MTU = 4, 4, 1446

    def test_trace_and_explain_tell_the_steps_of_a_forwarded_packet(self):
        self.ping("-c", 1)
        told = self.lab.netsh("a", "ipsec", "dynamic", "explain", f"src={self.address('a')}",
                              f"dst={self.address('b')}", "protocol=TCP", "dstport=445")
        for text in ("OUT-03", "OUT-04", "rule 'Out'", "tunnel", "outbound_secured"):
            self.assertIn(text, told)
        permitted = self.lab.netsh("a", "ipsec", "dynamic", "explain", "src=me", "dst=10.77.0.9")
        self.assertIn("outbound_no_filter", permitted)

    def test_trace_shows_packets_that_are_sent(self):
        self.ping("-c", 1)
        command = self.lab.command("netsh", "a", "ipsec", "dynamic", "trace", f"src={self.address('a')}", "count=4", "seconds=30")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as netsh:
            try:
                wait_for(lambda: self.ping("-c", 1) and netsh.poll() is not None, 30, "four packets are traced")
                told = netsh.stdout.read()
            finally:
                netsh.kill()
        # Each packet passes the driver twice: in from the network, out to the other gateway.
        self.assertEqual(told.count("Verdict secure, outbound_secured"), 2, told)
        for text in ("OUT-04", "OUT-12", "OUT-18", "OUT-19", "filter list 'Out'", "filter action 'Out'"):
            self.assertIn(text, told)


class SixInFour(TwoNetworks, LabTest):
    INNER, OUTER, INNER_MTU = 6, 4, 1446


class FourInSix(TwoNetworks, LabTest):
    INNER, OUTER, INNER_MTU = 4, 6, 1426


class SixInSix(TwoNetworks, LabTest):
    INNER, OUTER, INNER_MTU = 6, 6, 1426


if __name__ == "__main__":
    import unittest

    unittest.main()
