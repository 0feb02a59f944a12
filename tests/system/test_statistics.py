"""What is counted is what was on the wire: the driver's and IKE's numbers against a capture of the same run, both directions, packets and octets
(PA-27, DRV-18, DRV-20). ESP without encryption shows in the capture what the packet was before."""

import json
import socket
import struct

import policies
from lab import LabTest, new_marker, pcap, wait_for
from lab_client import PYTHON
from policies import PERMIT, document, negotiate, offer, rule

PORT, CLEAR_PORT, MTU = 5001, 7777, 1500
ICV = 12  # HMAC-SHA1-96
PLAIN = {"cipher": "NONE", "integrity": "SHA1"}
AGREE_SECONDS = 30
# An IP packet as it is, header included.
SEND_RAW = """import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
    for packet in sys.argv[2:]:
        s.sendto(bytes.fromhex(packet), (sys.argv[1], 0))
"""


def ipv4(source, destination, protocol, body):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0, socket.inet_aton(source), socket.inet_aton(destination)) + body


def inner_size(packet):
    """Octets of the IPv4 packet that is inside an ESP packet without encryption, in transport mode."""
    padding = packet.payload[-ICV - 2]
    return packet.length - 8 - padding - 2 - ICV


class Counting(LabTest):
    def stats(self, host):
        found = self.lab.show(host, "stats")
        return {"ike": {counter["name"]: int(counter["value"]) for counter in found["ike"]["counters"]},
                "driver": {counter["name"]: int(counter["value"]) for counter in found["driver"]["counters"]},
                "verdicts": {counter["name"]: int(counter["value"]) for counter in found["driver"]["verdicts"]},
                "filters": {one["filter_id"]: (int(one.get("packets", 0)), int(one.get("bytes", 0))) for one in found["driver"].get("filters", [])}}

    def sas(self, host):
        return {status["sa"]["direction"]: (int(status.get("packets", 0)), int(status.get("bytes", 0))) for status in self.lab.show(host, "qmsas")["sas"]}

    def filter_ids(self, host):
        """(rule, direction) of each IPv4 filter of the driver."""
        shown = self.lab.show(host, "qmfilter", "all", "type=specific")["driver"]["filters"]
        return {one["id"]: (one["rule_name"], one["direction"]) for one in shown}

    def sum_of_filters(self, host, stats, rule_name, direction):
        names = self.filter_ids(host)
        chosen = [numbers for number, numbers in stats["filters"].items() if names.get(number) == (rule_name, direction)]
        return tuple(map(sum, zip(*chosen))) if chosen else (0, 0)

    def difference(self, after, before):
        return {group: {name: value - before[group].get(name, 0) for name, value in after[group].items()} for group in ("ike", "driver", "verdicts")}

    def settled(self, host):
        """Once two looks agree, nothing is on its way any more."""
        last = []

        def same():
            last.append((self.stats(host), self.sas(host)))
            return len(last) > 1 and last[-1] == last[-2]
        wait_for(same, AGREE_SECONDS, f"the numbers of host {host} stand still")
        return last[-1]


class Statistics(Counting):
    """Hosts a and b protect what they send each other, but for one port that is permitted; host c forges."""

    HOSTS = ("a", "b", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clear = [{"source": "me", "destination": policies.NETWORK_4, "protocol": "UDP", "destination_port": CLEAR_PORT},
                 {"source": policies.NETWORK_4, "destination": "me", "protocol": "UDP", "destination_port": CLEAR_PORT}]
        network = [{"source": "me", "destination": policies.NETWORK_4}]
        for host in ("a", "b"):
            # Each packet as it will be on the wire: the driver counts a super-packet as one.
            cls.lab.exec(host, "ip", "link", "set", "eth0", "gso_max_segs", "1")
            cls.lab.apply(host, document("Counted", rule("Clear", clear, PERMIT), rule("Protected", network, negotiate(offer(PLAIN)))))

    def test_PA_27_each_number_is_what_the_capture_shows(self):
        marker = new_marker()
        self.lab.ping("a", "10.77.0.2", count=1)  # the SAs are there
        before = {host: self.settled(host) for host in ("a", "b")}
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", "-s", "600", count=20)
            self.lab.ping("b", "10.77.0.1", "-s", "1400", count=10)
            sent, received = self.lab.transfer("a", "b", 300_000, marker)
            self.assertEqual(sent["sha256"], received["sha256"])
            with self.lab.talker("b", "echo", "10.77.0.2", CLEAR_PORT):
                self.assertEqual(self.lab.traffic("a", "ask", "10.77.0.2", CLEAR_PORT, 300, 15, marker.hex())["right"], 15)
            after = {host: self.settled(host) for host in ("a", "b")}
        seen = list(pcap.packets(file))
        own = {"a": "10.77.0.1", "b": "10.77.0.2"}
        for host, other in (("a", "b"), ("b", "a")):
            for way, direction, source in (("sent", "outbound", own[host]), ("received", "inbound", own[other])):
                with self.subTest(host=host, way=way):
                    esp = [packet for packet in seen if packet.kind == "ESP" and packet.source == source]
                    clear = [packet for packet in seen if packet.kind == "UDP" and packet.source == source]
                    self.assertGreaterEqual(len(esp), 30)
                    octets = sum(map(inner_size, esp))
                    change = self.difference(after[host][0], before[host][0])
                    # For each SA, globally, by verdict and for each filter.
                    now, then = after[host][1][direction], before[host][1][direction]
                    self.assertEqual((now[0] - then[0], now[1] - then[1]), (len(esp), octets), "the SA")
                    self.assertEqual(change["driver"][f"authenticated_bytes_{way}"], octets)
                    self.assertEqual(change["driver"][f"transport_bytes_{way}"], octets)
                    for name in (f"confidential_bytes_{way}", f"tunnel_bytes_{way}", f"offloaded_bytes_{way}"):
                        self.assertEqual(change["driver"][name], 0, name)
                    verdicts = ("outbound_secured", "outbound_permitted") if way == "sent" else ("inbound_opened", "inbound_permitted")
                    self.assertEqual(change["verdicts"][verdicts[0]], len(esp))
                    self.assertEqual(change["verdicts"][verdicts[1]], len(clear))
                    self.assertEqual(len(clear), 15)
                    # A filter counts what matches it, also full segments that did not fit and whose sender was told.
                    too_big = change["verdicts"]["outbound_too_big"] if way == "sent" else 0
                    for name, expected in (("Protected", (len(esp) + too_big, octets + too_big * MTU)),
                                           ("Clear", (len(clear), sum(packet.length for packet in clear)))):
                        now, then = (self.sum_of_filters(host, each[host][0], name, direction) for each in (after, before))
                        self.assertEqual((now[0] - then[0], now[1] - then[1]), expected, f"the filter of rule {name}")
            change = self.difference(after[host][0], before[host][0])
            for name in ("bad_spi_packets", "packets_not_authenticated", "packets_not_decrypted", "packets_with_replay_detection", "rekeys"):
                self.assertEqual(change["driver"][name], 0, name)
            for name in ("outbound_against_policy", "inbound_against_policy"):
                self.assertEqual(after[host][0]["verdicts"][name], 0)
            self.assertEqual(after[host][0]["driver"]["active_assoc"], 2)

    def test_what_is_forged_is_counted_by_its_fault(self):
        self.lab.ping("a", "10.77.0.2", count=1)
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", count=3)
        genuine = [packet.payload for packet in pcap.packets(file) if packet.kind == "ESP" and packet.source == "10.77.0.2"]
        before = self.settled("a")[0]
        spi, number = struct.unpack("!II", genuine[0][:8])

        def esp(body, source="10.77.0.2"):
            return ipv4(source, "10.77.0.1", 50, body).hex()
        ahead = struct.pack("!II", spi, number + 30) + genuine[0][8:]
        packets = ([esp(struct.pack("!II", spi ^ 0x55555555, index) + genuine[0][8:]) for index in range(1, 4)]   # unknown SPI
                   + [esp(body) for body in genuine[:2]]                                                         # seen before
                   + [esp(ahead)] * 4                                                                            # a number that ICV does not cover
                   + [esp(struct.pack("!II", spi, number + 31) + bytes(1))]                                      # nothing inside
                   + [ipv4("10.77.0.3", "10.77.0.1", 17, struct.pack("!HHHH", 1, PORT, 8, 0)).hex()] * 5)        # in clear
        self.lab.exec("c", PYTHON, "-c", SEND_RAW, "10.77.0.1", *packets)
        expected = {"bad_spi_packets": 3, "packets_with_replay_detection": 2, "packets_not_authenticated": 4, "packets_not_decrypted": 1}

        def change():
            return self.difference(self.stats("a"), before)
        wait_for(lambda: change()["verdicts"]["inbound_clear_refused"] >= 5, AGREE_SECONDS, lambda: json.dumps(change()["verdicts"]))
        seen = change()
        self.assertEqual({name: seen["driver"][name] for name in expected}, expected)
        self.assertEqual(seen["verdicts"]["inbound_clear_refused"], 5)
        self.assertEqual(seen["driver"]["authenticated_bytes_received"], 0, "nothing of it counts as received")


class Negotiation(Counting):
    """Nothing has been negotiated before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())

    def test_key_numbers_and_datagrams_of_a_negotiation(self):
        before = {host: self.settled(host)[0] for host in ("a", "b")}
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", count=1)
            after = {host: self.settled(host)[0] for host in ("a", "b")}
        for host, address in (("a", "10.77.0.1"), ("b", "10.77.0.2")):
            with self.subTest(host=host):
                change = self.difference(after[host], before[host])
                isakmp = [packet for packet in pcap.packets(file) if packet.kind == "ISAKMP"]
                self.assertEqual(change["ike"]["datagrams_sent"], sum(packet.source == address for packet in isakmp))
                self.assertEqual(change["ike"]["datagrams_received"], sum(packet.destination == address for packet in isakmp))
                expected = {"main_modes": 1, "quick_modes": 1, "soft_sas": 0, "total_get_spi": 1, "key_additions": 1, "key_updates": 1,
                            "acquire_failures": 0, "negotiation_failures": 0}
                self.assertEqual({name: change["ike"][name] for name in expected}, expected)
                # Host b answers the ping perhaps before it has the outbound half, and asks for what is on its way.
                self.assertIn(change["ike"]["total_acquire"], (1,) if host == "a" else (0, 1))
                self.assertEqual((change["driver"]["key_adds"], change["driver"]["key_deletes"], after[host]["driver"]["pending_key"]), (2, 0, 0))
                self.assertEqual((after[host]["driver"]["active_assoc"], after[host]["driver"]["active_tunnels"]), (2, 0))


class Confidential(LabTest):
    def test_encrypted_octets_are_counted_as_such_and_a_tunnel_as_one(self):
        for host, here, there, far in (("a", 1, 2, "10.77.0.2"), ("b", 2, 1, "10.77.0.1")):
            self.lab.exec(host, "ip", "address", "add", f"10.78.{here}.1/24", "dev", "lo")
            self.lab.exec(host, "ip", "route", "add", f"10.78.{there}.0/24", "via", far, "src", f"10.78.{here}.1")
            self.lab.apply(host, policies.tunnel(f"10.78.{here}.0/24", f"10.78.{there}.0/24", self.lab.address(host), far))
        count, size = 10, 500
        self.lab.ping("a", "10.78.2.1", "-I", "10.78.1.1", "-s", size, count=count)
        for host in self.HOSTS:
            numbers = {counter["name"]: int(counter["value"]) for counter in self.lab.show(host, "stats")["driver"]["counters"]}
            for way in ("sent", "received"):
                for name in ("confidential_bytes", "authenticated_bytes", "tunnel_bytes"):
                    self.assertEqual(numbers[f"{name}_{way}"], count * (size + 28), f"{host}: {name}_{way}")
                self.assertEqual(numbers[f"transport_bytes_{way}"], 0)
            self.assertEqual(numbers["active_tunnels"], 1)
