"""Address translation between hosts: ESP in UDP on port 4500, several clients behind one address, and translators that forget."""

import os
import pathlib
import struct
import subprocess
import tempfile

import policies
from lab import PROTECTED_KINDS, LabTest, new_marker, pcap, wait_for
from peers import PRESHARED_KEY, StrongSwan, WireNamespace

OUTSIDE, NAT_INSIDE = "10.77.0.254", "10.77.1.254"
NAT_PORT = 4500
TRANSFER_BYTES = 5_000_000
# Where the hosts of a tunnel's far network are.
FAR_NETWORK, FAR_HOST = "192.168.2.0/24", "192.168.2.1"
# A NAT that keeps nobody's port, as most do.
MAPPED = (20000, 29999)
MAPPED_ANEW = (30000, 39999)


def set_nat(lab, *more, ports=MAPPED):
    """The rules of the NAT box, and all mappings forgotten: the kernel drops those of a masquerading interface that goes down."""
    prerouting, postrouting = more or ("", "")
    rules = f"""
flush ruleset
table ip nat {{
  chain prerouting {{
    type nat hook prerouting priority dstnat
    {prerouting}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat
    {postrouting}
    oifname "out" udp sport {NAT_PORT} masquerade to :{ports[0]}-{ports[1]}
    oifname "out" masquerade
  }}
}}
"""
    file = pathlib.Path(lab.directory) / "nat.nft"
    file.write_text(rules, encoding="ascii")
    lab.exec("@nat", "sh", "-ec", f"nft -f {file}; ip link set out down; ip link set out up")


def udp_ports(file):
    """(source address, source port, destination address, destination port) of all UDP packets in a capture, with their kinds."""
    found = set()
    for packet in pcap.packets(file):
        if packet.protocol == pcap.UDP and not packet.kind.startswith("fragment"):
            found.add((packet.kind, packet.source, *struct.unpack("!H", packet.payload[:2]), packet.destination,
                       *struct.unpack("!H", packet.payload[2:4])))
    return found


class NatTest(LabTest):
    def setUp(self):
        set_nat(self.lab)

    def assert_in_udp(self, file, marker=None):
        """The outside saw nothing but ISAKMP and UDP on port 4500."""
        counts = self.assert_protected(file, marker)
        self.assertEqual(counts.get("ESP", 0), 0, f"ESP without UDP: {counts}")
        self.assertGreater(counts["ESP in UDP"], 0)
        return counts

    def main_modes(self, host):
        return [sa for sa in self.lab.show(host, "mmsas")["sas"] if sa["state"] == "established"]

    def events_named(self, host, name):
        return [event for event in self.lab.events(host) if event["name"] == name]


class ClientsBehindNat(NatTest):
    """a and c are behind the NAT, b is a server outside. The same policy everywhere; nothing in it speaks of NAT."""

    HOSTS = ("a", "b", "c")
    OPTIONS = ("--nat", "--behind", "a", "--behind", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        set_nat(cls.lab)
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())

    def start_anew(self):
        """Nobody has an SA any more."""
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "dynamic", "delete", "sa", "all")

    def test_NAT_01_NAT_03_NAT_07_EX_14_found_in_main_mode_then_everything_on_4500(self):
        self.start_anew()
        with self.lab.capture("b") as file:
            self.lab.ping("a", self.lab.address("b"), count=5)
        counts = self.assert_in_udp(file)
        self.assertEqual(counts["ESP in UDP"], 10)
        kinds = udp_ports(file)
        at_500 = [packet for packet in kinds if 500 in (packet[2], packet[4])]
        self.assertTrue(all(packet[0] == "ISAKMP" for packet in at_500), at_500)
        self.assertTrue(any(packet[0] == "ISAKMP" and NAT_PORT in (packet[2], packet[4]) for packet in kinds), kinds)

        [at_server], [at_client] = self.main_modes("b"), self.main_modes("a")
        self.assertEqual((at_server["nat"], at_client["nat"]), ("peer", "local"))
        self.assertEqual(at_server["peer_identity"], self.lab.address("a"))
        mapped = at_server["peer"]["port"]
        self.assertIn(mapped, range(MAPPED[0], MAPPED[1] + 1), "NAT-08: not port 4500")
        self.assertIn("Behind NAT", self.lab.netsh("b", "ipsec", "dynamic", "show", "mmsas"))
        for sa in self.lab.quick_mode_sas("b"):
            self.assertEqual((sa["udp"]["local_port"], sa["udp"]["peer_port"]), (NAT_PORT, mapped))

        filters = [entry for entry in self.lab.show("b", "qmfilter", "all", "type=specific")["driver"]["filters"] if entry.get("dynamic")]
        self.assertEqual({(entry["direction"], entry["action"]) for entry in filters},
                         {("outbound", "permit"), ("inbound", "permit")}, filters)
        text = self.lab.netsh("b", "ipsec", "dynamic", "show", "qmfilter", "all", "type=specific")
        self.assertIn("<ISAKMP behind NAT>", text)
        self.assertIn(str(mapped), text)

    def test_NAT_04_NAT_08_transport_mode_tcp_and_udp_with_right_checksums(self):
        server = self.lab.address("b")
        for client in ("a", "c"):
            marker = new_marker()
            with self.subTest(client=client), self.lab.capture("b") as file:
                with self.lab.talker("b", "receive", server, 5001) as receiver:
                    sent = self.lab.traffic(client, "send", server, 5001, TRANSFER_BYTES, marker.hex())
                    self.assertEqual(receiver.result()["sha256"], sent["sha256"])
                for size in (20, 512):
                    self.ask(client, size, marker)
            self.assert_in_udp(file, marker)

    def ask(self, client, size, marker):
        with self.lab.talker("b", "echo", self.lab.address("b"), 5002):
            answer = self.lab.traffic(client, "ask", self.lab.address("b"), 5002, size, 20, marker.hex())
        self.assertEqual(answer, {"asked": 20, "right": 20})

    def test_NAT_04_datagrams_of_8000_bytes_go_in_fragments(self):
        marker = new_marker()
        with self.lab.capture("b") as file:
            self.ask("a", 8000, marker)
        # What follows the first fragment shows no port; nothing of it is in clear.
        self.assertEqual(set(pcap.counts(file)) - PROTECTED_KINDS - {"fragment of protocol 17"}, set())
        self.assertFalse(pcap.contains(file, marker))

    def test_two_clients_behind_one_address_at_the_same_time(self):
        server, marker = self.lab.address("b"), new_marker()
        for client in ("a", "c"):
            self.lab.ping(client, server)
        ports = {sa["peer_identity"]: sa["peer"]["port"] for sa in self.main_modes("b")}
        self.assertEqual(set(ports), {self.lab.address("a"), self.lab.address("c")})
        self.assertEqual(len(set(ports.values())), 2, ports)
        outbound = [sa for sa in self.lab.quick_mode_sas("b") if sa["direction"] == "outbound"]
        self.assertEqual({sa["udp"]["peer_port"] for sa in outbound}, set(ports.values()), "one SA for each")

        with self.lab.capture("b") as file, self.lab.talker("b", "receive", server, 5001) as of_a, \
                self.lab.talker("b", "receive", server, 5003) as of_c, self.lab.talker("b", "echo", server, 5002):
            commands = [self.lab.command("exec", client, "--", "ping", "-n", "-c", "100", "-i", "0.02", "-W", "5", server)
                        for client in ("a", "c")]
            pings = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
            senders = [subprocess.Popen(self.lab.command("exec", client, "--", "/usr/bin/python3", "-B", self.traffic_script(), "send", server,
                                                         port, TRANSFER_BYTES, marker.hex()), stdout=subprocess.PIPE, text=True)
                       for client, port in (("a", 5001), ("c", 5003))]
            answers = [self.lab.traffic(client, "ask", server, 5002, 512, 100, marker.hex()) for client in ("a", "c")]
            sizes = [receiver.result()["bytes"] for receiver in (of_a, of_c)]
            for child in senders:
                child.communicate(timeout=60)
            replies = [child.communicate(timeout=60)[0] for child in pings]
        self.assertEqual(sizes, [TRANSFER_BYTES] * 2)
        self.assertEqual(answers, [{"asked": 100, "right": 100}] * 2)
        for output in replies:
            self.assertIn("100 received", output)
        self.assert_in_udp(file, marker)
        # Neither has taken the other's SAs away.
        self.assertEqual({sa["peer_identity"] for sa in self.main_modes("b")}, set(ports))

    def traffic_script(self):
        return str(pathlib.Path(__file__).resolve().parents[1] / "lab" / "traffic.py")

    def test_NAT_08_a_forgotten_mapping_costs_no_connection(self):
        server = self.lab.address("b")
        self.lab.ping("a", server)
        before = next(sa["peer"]["port"] for sa in self.main_modes("b") if sa["peer_identity"] == self.lab.address("a"))
        with self.lab.talker("b", "echo", server, 5002), self.lab.talker("a", "stream", server, 5002, 6) as stream:
            wait_for(lambda: self.lab.verdict("b", "inbound_opened") > 0, 10, "packets of the stream")
            set_nat(self.lab, ports=MAPPED_ANEW)
            result = stream.result()
        self.assertLess(result["longest_gap_seconds"], 3, result)
        self.assertGreater(result["answered"], result["sent"] * 0.6, result)
        wait_for(lambda: self.events_named("b", "peer_moved"), 10, "an event about the new port")
        after = next(sa["peer"]["port"] for sa in self.main_modes("b") if sa["peer_identity"] == self.lab.address("a"))
        self.assertNotEqual(before, after)
        self.assertIn(after, range(MAPPED_ANEW[0], MAPPED_ANEW[1] + 1))
        # All SAs of the client have moved, and nobody else's.
        wait_for(lambda: before not in self.udp_ports_of_sas("b") and after in self.udp_ports_of_sas("b"), 10, self.lab.quick_mode_sas("b"))

    def udp_ports_of_sas(self, host):
        return {sa["udp"]["peer_port"] for sa in self.lab.quick_mode_sas(host)}

    def test_NAT_08_a_silent_clients_new_mapping_is_learned_from_ike(self):
        server = self.lab.address("b")
        self.lab.netsh("c", "ipsec", "dynamic", "delete", "sa", "all", check=False)
        self.lab.ping("a", server)
        set_nat(self.lab, ports=MAPPED_ANEW)
        # The client has nothing to send; its IKE asks whether the server lives after half a minute.
        with self.lab.capture("b") as file:
            wait_for(lambda: any(sa["peer"]["port"] >= MAPPED_ANEW[0] for sa in self.main_modes("b")), 60, "IKE follows the client")
        keep_alives = {packet.source for packet in pcap.packets(file) if packet.kind == "NAT keep-alive"}
        self.assertEqual(keep_alives, {OUTSIDE}, "every 20 s, and only from behind the NAT")
        wait_for(lambda: any(sa["udp"]["peer_port"] >= MAPPED_ANEW[0] for sa in self.lab.quick_mode_sas("b")), 10, "and tells the driver")
        self.lab.ping("b", OUTSIDE, count=1)

    def test_forged_packets_from_another_port_move_nobody(self):
        server = self.lab.address("b")
        self.lab.ping("a", server)
        before = {sa["peer_identity"]: sa["peer"]["port"] for sa in self.main_modes("b")}
        sas = [sa for sa in self.lab.quick_mode_sas("b") if sa["direction"] == "inbound"]
        refused = self.lab.verdict("b", "inbound_not_authentic")
        packets = [struct.pack("!II", sa["spi"], 0x7fffffff) + os.urandom(88) for sa in sas]
        for main_mode in self.lab.show("b", "mmsas")["sas"]:
            cookies = bytes.fromhex(main_mode["initiator_cookie"][2:] + main_mode["responder_cookie"][2:])
            for exchange in (5, 32):
                packets.append(bytes(4) + cookies + bytes([8, 0x10, exchange, 1]) + os.urandom(4) + struct.pack("!I", 92) + os.urandom(64))
        packets.append(b"\xff")
        script = ("import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  f"s.bind(('{OUTSIDE}', 7777))\n[s.sendto(bytes.fromhex(p), ('{server}', {NAT_PORT})) for p in sys.argv[1:]]")
        self.lab.exec("@nat", "/usr/bin/python3", "-c", script, *(packet.hex() for packet in packets))
        wait_for(lambda: self.lab.verdict("b", "inbound_not_authentic") >= refused + len(sas), 10, "the forged ESP is refused")
        self.lab.ping("a", server)
        self.assertEqual({sa["peer_identity"]: sa["peer"]["port"] for sa in self.main_modes("b")}, before)
        self.assertNotIn(7777, self.udp_ports_of_sas("b"))

    def test_NAT_06_PMT_04_ping_with_df(self):
        self.lab.ping("a", self.lab.address("b"), "-M", "do", "-s", "1400")
        done = self.lab.ping("a", self.lab.address("b"), "-M", "do", "-s", "1472", check=False)
        self.assertRegex(done.stdout + done.stderr, r"Frag(mentation)? needed|message too long")


class TunnelThroughNat(NatTest):
    """NAT-04: a tunnel from a host behind the NAT to the network behind b."""

    OPTIONS = ("--nat", "--behind", "a")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        set_nat(cls.lab)
        own, server = cls.lab.address("a"), cls.lab.address("b")
        cls.lab.exec("b", "sh", "-ec", f"ip address add {FAR_HOST}/24 dev lo; ip route add 10.77.1.0/24 via {OUTSIDE}")
        cls.lab.apply("a", policies.tunnel(own, FAR_NETWORK, own, server))
        cls.lab.apply("b", policies.tunnel(FAR_NETWORK, own, server, OUTSIDE))

    def test_NAT_04_tunnel_mode_tcp_and_udp(self):
        marker = new_marker()
        with self.lab.capture("b") as file:
            self.lab.ping("a", FAR_HOST)
            with self.lab.talker("b", "receive", FAR_HOST, 5001) as receiver:
                sent = self.lab.traffic("a", "send", FAR_HOST, 5001, TRANSFER_BYTES, marker.hex())
                self.assertEqual(receiver.result()["sha256"], sent["sha256"])
            with self.lab.talker("b", "echo", FAR_HOST, 5002):
                self.assertEqual(self.lab.traffic("a", "ask", FAR_HOST, 5002, 512, 50, marker.hex()), {"asked": 50, "right": 50})
        self.assert_in_udp(file, marker)
        self.assertEqual({sa["encapsulation"] for sa in self.lab.quick_mode_sas("b")}, {"tunnel"})


class ServerBehindNat(NatTest):
    """a is a server behind the NAT, which forwards ports 500 and 4500 to it; b is outside; c is behind the same NAT, too, and reaches a
    by the outside address, so that both are behind one."""

    HOSTS = ("a", "b", "c")
    OPTIONS = ("--nat", "--behind", "a", "--behind", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.forward()
        peers = [{"source": "me", "destination": there} for there in ("10.77.0.0/24", f"{NAT_INSIDE}/32")]
        cls.lab.apply("a", policies.document("Server", policies.rule("Peers", peers, policies.negotiate())))
        cls.lab.apply("b", policies.protect_network())
        cls.lab.apply("c", policies.protect_network())

    @classmethod
    def forward(cls):
        set_nat(cls.lab, f"ip daddr {OUTSIDE} udp dport {{500, {NAT_PORT}}} dnat to {cls.lab.address('a')}",
                f'iifname "in" oifname "in" udp sport {NAT_PORT} masquerade to :{MAPPED[0]}-{MAPPED[1]}\n    iifname "in" oifname "in" masquerade')

    def setUp(self):
        pass

    def exchange(self, client):
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.lab.ping(client, OUTSIDE)
            with self.lab.talker("a", "receive", "0.0.0.0", 5001) as receiver:
                sent = self.lab.traffic(client, "send", OUTSIDE, 5001, TRANSFER_BYTES, marker.hex())
                self.assertEqual(receiver.result()["sha256"], sent["sha256"])
        self.assert_in_udp(file, marker)

    def test_a_client_outside_reaches_a_server_behind_the_nat(self):
        self.exchange("b")
        self.assertEqual(next(sa["nat"] for sa in self.main_modes("b")), "peer")

    def test_both_behind_a_nat(self):
        self.exchange("c")
        self.assertEqual(next(sa["nat"] for sa in self.main_modes("c")), "both")


class AuthenticationHeader(NatTest):
    OPTIONS = ("--nat", "--behind", "a")

    def test_NAT_05_ah_is_refused_with_its_reason(self):
        offer = {"ah": "SHA1", "lifetime_kilobytes": 100000, "lifetime_seconds": 3600}
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network(action=policies.negotiate(offer)))
        with self.lab.capture("b") as file:
            self.assertNotEqual(self.lab.ping("a", self.lab.address("b"), "-W", "2", count=1, check=False).returncode, 0)
            wait_for(lambda: self.events_named("a", "ah_behind_nat"), 20, "the reason")
        self.assertEqual(set(pcap.counts(file)) - PROTECTED_KINDS, set())
        self.assertIn("AH", self.events_named("a", "ah_behind_nat")[0]["text"])


class StrongSwanThroughNat(NatTest):
    """IKEv1 with strongSwan and a translator between the two."""

    HOSTS = ("a", "b")
    OPTIONS = ("--nat", "--behind", "a")
    INSIDE_PEER, OUTSIDE_PEER = "10.77.1.9", "10.77.0.9"

    def peer(self, name, address, bridge, route=None):
        made = WireNamespace(self.lab.status()["wire"]["namespace"], f"swan{name}{os.getpid()}", address, bridge=bridge)
        self.addCleanup(made.remove)
        if route:
            made.exec("ip", "route", "add", "default", "via", route)
        return made

    def swan(self, namespace, remote, **options):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="swan-"))
        swan = StrongSwan(namespace, directory, remote, **options)
        self.addCleanup(swan.stop)
        return swan

    def negotiated(self, swan, host):
        wait_for(lambda: len(swan.security_associations()) >= 2, 20,
                 lambda: f"two SAs at strongSwan\n{swan.log()}\n{self.lab.netsh(host, 'ipsec', 'dynamic', 'show', 'events')}")
        theirs = swan.security_associations()
        ours = wait_for(lambda: {entry["spi"]: entry for entry in self.lab.quick_mode_sas(host)}, 10, "two SAs here")
        self.assertEqual(set(ours), set(theirs))
        self.assertTrue(all("udp" in entry for entry in ours.values()), ours)
        self.lab.netsh(host, "ipsec", "static", "delete", "all")

    def transport_policy(self, peer):
        return policies.document("Interop", policies.rule("Peer", [{"source": "me", "destination": peer}],
                                                          policies.negotiate(policies.offer({"cipher": "AES128", "integrity": "SHA256"})),
                                                          PRESHARED_KEY))

    def test_we_are_behind_the_nat_and_begin(self):
        outside = self.peer("o", self.OUTSIDE_PEER, "br0")
        swan = self.swan(outside, "%any", extra=["--remote-id", self.lab.address("a")])
        self.lab.apply("a", self.transport_policy(self.OUTSIDE_PEER))
        self.lab.exec("a", "ping", "-c1", "-W1", self.OUTSIDE_PEER, check=False)
        self.negotiated(swan, "a")

    def test_strongswan_is_behind_the_nat_and_begins(self):
        inside = self.peer("i", self.INSIDE_PEER, "br1", NAT_INSIDE)
        swan = self.swan(inside, self.lab.address("b"))
        self.lab.apply("b", self.transport_policy(OUTSIDE))
        swan.initiate()
        self.negotiated(swan, "b")

    def test_a_tunnel_with_strongswans_own_data_path(self):
        """libipsec carries ESP in UDP in tunnel mode: pings go through from behind the NAT."""
        inside = self.peer("t", self.INSIDE_PEER, "br1", NAT_INSIDE)
        swan = self.swan(inside, self.lab.address("b"), mode="tunnel", kernel="libipsec", extra=["--remote-ts", FAR_NETWORK])
        self.lab.exec("b", "sh", "-ec", f"ip address replace {FAR_HOST}/24 dev lo; ip route replace 10.77.1.0/24 via {OUTSIDE}")
        action = policies.negotiate(policies.offer({"cipher": "AES128", "integrity": "SHA256"}))
        self.lab.apply("b", policies.document(
            "Interop",
            policies.rule("Out", [{"source": FAR_NETWORK, "destination": self.INSIDE_PEER, "mirrored": False}], action, PRESHARED_KEY, OUTSIDE),
            policies.rule("In", [{"source": self.INSIDE_PEER, "destination": FAR_NETWORK, "mirrored": False}], action, PRESHARED_KEY,
                          self.lab.address("b"))))
        swan.initiate()
        with self.lab.capture("b") as file:
            self.assertIn("5 received", inside.exec("ping", "-n", "-c5", "-i", "0.1", "-W", "5", FAR_HOST))
        self.assert_in_udp(file)
        self.lab.netsh("b", "ipsec", "static", "delete", "all")
