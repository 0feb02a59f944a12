"""What filters do: permit, block, no match, tunnels, changes of policy and addresses under traffic, rekeying."""

import pathlib
import shutil
import time

import policies
from lab import LabTest, new_marker, pcap, wait_for
from policies import BLOCK, PERMIT, TO_NETWORK, document, negotiate, offer, rule

ICMP = [{"source": "me", "destination": policies.NETWORK_4, "protocol": "ICMP"},
        {"source": "me", "destination": policies.NETWORK_6, "protocol": "ICMPv6"}]
SMB = [{"source": "me", "destination": policies.NETWORK_4, "protocol": "TCP", "destination_port": 445},
       {"source": policies.NETWORK_4, "destination": "me", "protocol": "TCP", "destination_port": 445}]
TO_B = [{"source": "me", "destination": "10.77.0.2"}]
REACH_SECONDS = 60


def reached(lab, source, address):
    return lab.ping(source, address, count=1, check=False).returncode == 0


class PermitAndBlock(LabTest):
    HOSTS = ("a", "b", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = document("Mixed", rule("Ping", ICMP, PERMIT), rule("SMB", SMB, BLOCK), rule("Rest", TO_NETWORK, negotiate()))
        for host in ("a", "b"):
            cls.lab.apply(host, cls.policy)

    def test_icmp_is_permitted_in_clear(self):
        for version, kind in ((4, "ICMP"), (6, "ICMPv6")):
            with self.subTest(version=version):
                with self.lab.capture("a") as file:
                    self.lab.ping("a", self.lab.address("b", version), count=5)
                self.assertEqual(pcap.counts(file).get(kind), 10)

    def test_tcp_445_is_blocked_and_other_ports_are_protected(self):
        with self.lab.capture("a") as file:
            with self.lab.talker("b", "receive", "10.77.0.2", 445):
                self.assertEqual(self.lab.traffic("a", "connect", "10.77.0.2", 445, 2)["outcome"], "timed out")
            self.assertEqual(self.lab.traffic("a", "connect", "10.77.0.2", 446, 20)["outcome"], "refused by the host")
        counts = self.assert_protected(file)
        self.assertNotIn("TCP", counts)
        self.assertGreater(self.lab.verdict("a", "outbound_blocked"), 0)

    def test_inbound_block(self):
        """Host c has no policy: what it sends to port 445 reaches the wire and is dropped by host a's driver."""
        before = self.lab.verdict("a", "inbound_blocked")
        with self.lab.capture("a") as file, self.lab.talker("a", "receive", "10.77.0.1", 445):
            self.assertEqual(self.lab.traffic("c", "connect", "10.77.0.1", 445, 2)["outcome"], "timed out")
        tcp = [packet for packet in pcap.packets(file) if packet.kind not in ("ARP", "neighbour discovery", "multicast listener")]
        self.assertEqual({(packet.kind, packet.source) for packet in tcp}, {("TCP", "10.77.0.3")})
        self.assertGreater(self.lab.verdict("a", "inbound_blocked"), before)

    def test_clear_packets_are_refused_where_security_is_demanded(self):
        before = self.lab.verdict("a", "inbound_clear_refused")
        with self.lab.talker("a", "receive", "10.77.0.1", 5003):
            self.assertEqual(self.lab.traffic("c", "connect", "10.77.0.1", 5003, 2)["outcome"], "timed out")
        self.assertGreater(self.lab.verdict("a", "inbound_clear_refused"), before)


class NoMatch(LabTest):
    HOSTS = ("a", "b", "c")

    def test_what_no_filter_matches_passes_untouched(self):
        self.lab.apply("a", document("Only b", rule("To b", TO_B, negotiate())))
        marker = new_marker()
        with self.lab.capture("a") as file:
            sent, received = self.lab.transfer("a", "c", 3_000_000, marker)
        self.assertEqual(sent["sha256"], received["sha256"])
        self.assertTrue(pcap.contains(file, marker))
        self.assertEqual(set(pcap.counts(file)) - {"TCP", "ARP", "neighbour discovery", "multicast listener"}, set())

    def test_without_a_policy_the_driver_is_not_in_the_path(self):
        with self.lab.capture("c") as file:
            self.lab.ping("b", "10.77.0.3", count=3)
        self.assertEqual(pcap.counts(file).get("ICMP"), 6)
        filters = self.lab.exec("b", "tc", "filter", "show", "dev", "eth0", "egress").stdout
        self.assertNotIn("bpf", filters)


class Tunnel(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.exec("a", "ip", "address", "add", "10.78.1.1/24", "dev", "lo")
        cls.lab.exec("b", "ip", "address", "add", "10.78.2.1/24", "dev", "lo")
        cls.lab.exec("a", "ip", "route", "add", "10.78.2.0/24", "via", "10.77.0.2", "src", "10.78.1.1")
        cls.lab.exec("b", "ip", "route", "add", "10.78.1.0/24", "via", "10.77.0.1", "src", "10.78.2.1")
        cls.lab.apply("a", policies.tunnel("10.78.1.0/24", "10.78.2.0/24", "10.77.0.1", "10.77.0.2"))
        cls.lab.apply("b", policies.tunnel("10.78.2.0/24", "10.78.1.0/24", "10.77.0.2", "10.77.0.1"))

    def test_traffic_between_the_networks_goes_through_the_tunnel(self):
        marker = new_marker()
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.78.2.1", "-I", "10.78.1.1", "-p", marker.hex(), "-s", "600")
            self.lab.ping("b", "10.78.1.1", "-I", "10.78.2.1", "-p", marker.hex(), "-s", "600")
            with self.lab.talker("b", "receive", "10.78.2.1", 5001) as receiver:
                sent = self.lab.traffic("a", "send", "10.78.2.1", 5001, 20_000_000, marker.hex())
                received = receiver.result()
        self.assertEqual(sent["sha256"], received["sha256"])
        self.assert_protected(file, marker)
        self.assertEqual({address for packet in pcap.packets(file) if packet.kind == "ESP" for address in (packet.source, packet.destination)},
                         {"10.77.0.1", "10.77.0.2"})

    def test_traffic_between_the_gateways_themselves_stays_clear(self):
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", count=3)
        self.assertEqual(pcap.counts(file).get("ICMP"), 6)


class LivePolicy(LabTest):
    HOSTS = ("a", "b")

    def test_a_changed_policy_acts_at_once(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        wait_for(lambda: reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "a ping is answered")
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2")
        self.assert_protected(file)
        for host in self.HOSTS:
            self.lab.netsh_script(host, [
                "pushd ipsec static",
                "add filter filterlist=Ping srcaddr=me dstaddr=10.77.0.0 dstmask=255.255.255.0 protocol=ICMP",
                "add filteraction name=Pass action=permit",
                "add rule name=Ping policy=Protect filterlist=Ping filteraction=Pass",
                "popd",
            ])
        wait_for(lambda: self.ping_is_clear(), REACH_SECONDS, "the ping passes in clear")
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "static", "delete", "rule", "name=Ping", "policy=Protect")
        wait_for(lambda: not self.ping_is_clear(), REACH_SECONDS, "the ping is protected again")
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "static", "set", "policy", "name=Protect", "assign=n")
        wait_for(lambda: self.ping_is_clear(), REACH_SECONDS, "the ping passes in clear without a policy")

    def ping_is_clear(self):
        with self.lab.capture("a") as file:
            done = self.lab.ping("a", "10.77.0.2", count=1, check=False)
        return done.returncode == 0 and pcap.counts(file).get("ICMP") == 2

    def test_a_new_address_sends_and_receives_nothing_in_clear_before_it_has_filters(self):
        """The agent stands still, so that the address stays without filters as long as the test looks."""
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        self.lab.kill("a", "agent", "STOP")
        try:
            self.lab.exec("a", "ip", "address", "add", "10.77.0.102/24", "dev", "eth0")
            self.lab.exec("a", "ip", "address", "add", "fd77::102/64", "dev", "eth0", "nodad")
            with self.lab.capture("a") as file:
                self.assertNotEqual(self.lab.ping("a", "10.77.0.2", "-I", "10.77.0.102", "-W", "1", count=2, check=False).returncode, 0)
                self.assertNotEqual(self.lab.ping("a", "fd77::2", "-I", "fd77::102", "-W", "1", count=2, check=False).returncode, 0)
            self.assertEqual(set(pcap.counts(file)) - {"ESP", "ISAKMP", "ARP", "neighbour discovery", "multicast listener"}, set())
        finally:
            self.lab.kill("a", "agent", "CONT")
        self.addCleanup(self.lab.exec, "a", "ip", "address", "delete", "10.77.0.102/24", "dev", "eth0")
        self.addCleanup(self.lab.exec, "a", "ip", "address", "delete", "fd77::102/64", "dev", "eth0")
        self.assertGreaterEqual(self.lab.verdict("a", "outbound_unlisted_address"), 4)
        with self.lab.capture("a") as file:
            for address, source in (("10.77.0.2", "10.77.0.102"), ("fd77::2", "fd77::102")):
                wait_for(lambda: self.lab.ping("a", address, "-I", source, count=1, check=False).returncode == 0, REACH_SECONDS, f"{source} is protected")
        self.assert_protected(file)

    def test_a_new_address_becomes_part_of_me(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network())
        self.lab.exec("a", "ip", "address", "add", "10.77.0.101/24", "dev", "eth0")
        self.addCleanup(self.lab.exec, "a", "ip", "address", "delete", "10.77.0.101/24", "dev", "eth0")

        def specific_filters():
            return self.lab.netsh("a", "ipsec", "dynamic", "show", "qmfilter", "all", "type=specific")
        wait_for(lambda: "10.77.0.101" in specific_filters(), REACH_SECONDS, "the new address is among the specific filters")
        with self.lab.capture("a") as file:
            wait_for(lambda: self.lab.ping("b", "10.77.0.101", count=1, check=False).returncode == 0, REACH_SECONDS, "a ping to the new address is answered")
        self.assert_protected(file)
        self.lab.exec("a", "ip", "address", "delete", "10.77.0.101/24", "dev", "eth0")
        wait_for(lambda: "10.77.0.101" not in specific_filters(), REACH_SECONDS, "the address is gone from the specific filters")
        self.lab.exec("a", "ip", "address", "add", "10.77.0.101/24", "dev", "eth0")


    def test_IM_02_filters_follow_an_address_and_a_gateway_within_a_second(self):
        """By the times that driver and agent put on their events: how long a command of the test takes does not count."""
        gateway = rule("Gateway", [{"source": "me", "destination": "gateway"}], BLOCK)
        self.lab.apply("a", document("Followed", rule("Network", TO_NETWORK, negotiate()), gateway))
        self.assertIn("knows no default gateway", "".join(event["text"] for event in self.lab.events("a")))
        for change, undone in ((("address", "add", "10.77.0.104/24", "dev", "eth0"), ("address", "delete", "10.77.0.104/24", "dev", "eth0")),
                               (("route", "add", "default", "via", "10.77.0.2"), ("route", "delete", "default"))):
            with self.subTest(change=change):
                number = max(event["wall_clock_ms"] for event in self.lab.events("a"))
                self.addCleanup(self.lab.exec, "a", "ip", *undone)
                began = time.time() * 1000
                self.lab.exec("a", "ip", *change)

                def put_in_force():
                    return [event["wall_clock_ms"] for event in self.lab.events("a")
                            if event["source"] == "driver" and event["name"] == "policy_set" and event["wall_clock_ms"] > max(number, began)]
                after = wait_for(put_in_force, REACH_SECONDS, "the driver has another policy")
                self.assertLess(after[0] - began, 1000)
        self.assertNotEqual(self.lab.ping("a", "10.77.0.2", "-W", "1", count=1, check=False).returncode, 0, "the gateway is blocked")
        filters = self.lab.netsh("a", "ipsec", "dynamic", "show", "qmfilter", "all", "type=specific")
        self.assertIn("10.77.0.104", filters)


class HostNames(LabTest):
    """The resolver of host a reads files of the test's own: `ip netns exec` puts those of /etc/netns/NAMESPACE over /etc."""

    def setUp(self):
        folder = pathlib.Path("/etc/netns") / self.lab.host_status("a")["namespace"]
        self.lab.stop("a")
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, folder)
        self.hosts = folder / "hosts"
        self.know("10.77.0.9")
        # Nobody answers there, at once.
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="utf-8")
        self.lab.start("a")

    def know(self, address):
        self.hosts.write_text(f"127.0.0.1 localhost\n{address} server.test\n", encoding="utf-8")

    def test_filters_of_a_host_name_follow_it_and_the_others_keep_their_sas(self):
        named = rule("Named", [{"source": "me", "destination": {"dns_name": "server.test"}}], BLOCK)
        self.lab.apply("a", document("Names", rule("Network", TO_NETWORK, negotiate()), named))
        self.lab.apply("b", policies.protect_network())
        wait_for(lambda: reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "a ping is answered")
        sas = {sa["spi"] for sa in self.lab.quick_mode_sas("a")}
        self.know("10.77.0.2")
        self.lab.kill("a", "agent", "HUP")
        wait_for(lambda: not reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "the new address of the name is blocked")
        self.assertGreater(self.lab.verdict("a", "outbound_blocked"), 0)
        self.assertLessEqual(sas, {sa["spi"] for sa in self.lab.quick_mode_sas("a")})
        self.know("10.77.0.9")
        self.lab.kill("a", "agent", "HUP")
        wait_for(lambda: reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "the old address of the name is free again")


class ChangesUnderLoad(LabTest):
    HOSTS = ("a", "b")
    # 500 datagrams a second for as long as the changes take.
    SECONDS, SIZE, INTERVAL = 12, 400, 0.002

    def setUp(self):
        for host in self.HOSTS:
            self.lab.apply(host, document("Loaded", rule("Network", TO_NETWORK, negotiate())))
        wait_for(lambda: reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "a ping is answered")

    def outbound_spis(self):
        return {sa["spi"] for sa in self.lab.quick_mode_sas("a") if sa["direction"] == "outbound"}

    def changes(self):
        """Without end, each to be made and none to touch the traffic to host b: a rule comes, grows and goes, an address comes and goes."""
        while True:
            yield lambda: self.lab.netsh_script("a", ["pushd ipsec static", "add filter filterlist=Other srcaddr=me dstaddr=10.99.0.1",
                                                      "add filteraction name=Block action=block",
                                                      "add rule name=Other policy=Loaded filterlist=Other filteraction=Block"])
            for number in range(2, 5):
                yield lambda: self.lab.netsh("a", "ipsec", "static", "add", "filter", "filterlist=Other", "srcaddr=me", f"dstaddr=10.99.0.{number}")
            yield lambda: self.lab.exec("a", "ip", "address", "add", "10.77.0.103/24", "dev", "eth0")
            yield lambda: self.lab.netsh("a", "ipsec", "static", "set", "filteraction", "name=Block", "action=permit")
            yield lambda: self.lab.exec("a", "ip", "address", "delete", "10.77.0.103/24", "dev", "eth0")
            yield lambda: self.lab.netsh_script("a", ["pushd ipsec static", "delete rule name=Other policy=Loaded",
                                                      "delete filterlist name=Other", "delete filteraction name=Block"])

    def test_PA_26_traffic_of_untouched_rules_loses_nothing_while_others_change(self):
        before = self.outbound_spis()
        self.addCleanup(self.lab.exec, "a", "ip", "address", "delete", "10.77.0.103/24", "dev", "eth0", check=False)
        with self.lab.capture("a") as file, self.lab.talker("b", "echo", "10.77.0.2", 5002):
            with self.lab.talker("a", "stream", "10.77.0.2", 5002, self.SECONDS, self.SIZE, self.INTERVAL) as stream:
                made = 0
                for change in self.changes():
                    if stream.child.poll() is not None:
                        break
                    change()
                    made += 1
                answer = stream.result()
        self.assertGreaterEqual(made, 8, "not one round of changes was made while packets flowed")
        self.assertEqual(answer["answered"], answer["sent"], {**answer, "a": self.lab.verdicts("a"), "b": self.lab.verdicts("b")})
        self.assert_protected(file)
        self.assertLessEqual(before, self.outbound_spis(), "an SA of an untouched rule was lost")

    def inbound_packets(self):
        statuses = self.lab.show("a", "qmsas")["sas"]
        return {status["sa"]["spi"]: int(status["packets"]) for status in statuses if status["sa"]["direction"] == "inbound"}

    def test_PA_26_a_deleted_rule_loses_its_outbound_sas_at_once_and_keeps_receiving(self):
        self.lab.netsh_script("a", ["pushd ipsec static", "add filteraction name=Open action=permit",
                                    "add filter filterlist=Open srcaddr=me dstaddr=10.99.0.1",
                                    "add rule name=Open policy=Loaded filterlist=Open filteraction=Open"])
        before = self.inbound_packets()
        self.assertTrue(before)
        self.lab.netsh("a", "ipsec", "static", "delete", "rule", "name=Network", "policy=Loaded")
        wait_for(lambda: not self.outbound_spis(), REACH_SECONDS, "the outbound SAs are gone")
        self.assertEqual(self.inbound_packets().keys(), before.keys())
        # What host b still sends under its own policy is received; the answers are not protected any more, so host b drops them.
        self.lab.exec("b", "ping", "-c", "3", "-i", "0.2", "-W", "1", "10.77.0.1", check=False)
        after = self.inbound_packets()
        self.assertEqual(after.keys(), before.keys())
        self.assertGreaterEqual(sum(after.values()), sum(before.values()) + 3)

    def test_other_offers_end_the_outbound_sas_made_under_the_old_ones(self):
        before = self.outbound_spis()
        self.lab.netsh("a", "ipsec", "static", "set", "filteraction", "name=Network", "qmsecmethods=ESP[AES256,SHA256]:100000k/3600s")
        wait_for(lambda: not self.outbound_spis() & before, REACH_SECONDS, "SAs of the old offers are gone")


class Rekey(LabTest):
    """Lifetimes in kilobytes: the smallest that the store takes is 20480."""

    KILOBYTES = 20480
    # 1200 bytes every half millisecond, 2.4 MB/s: a lifetime passes in nine seconds, and what is lost is lost by the rekey and not for
    # want of room in a queue.
    SECONDS, SIZE, INTERVAL = 25, 1200, 0.0005

    def test_the_spi_changes_and_no_packet_is_lost(self):
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network(action=negotiate(offer(policies.GCM, kilobytes=self.KILOBYTES))))
        wait_for(lambda: reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "a ping is answered")
        before = self.outbound_spis()
        dropped_before = {host: self.lab.verdicts(host) for host in self.HOSTS}
        with self.lab.capture("a") as file, self.lab.talker("b", "echo", "10.77.0.2", 5002):
            answer = self.lab.traffic("a", "stream", "10.77.0.2", 5002, self.SECONDS, self.SIZE, self.INTERVAL)
        self.assert_protected(file)
        self.assertGreater(answer["sent"] * self.SIZE, 2 * self.KILOBYTES * 1024, "too little was sent to need a rekey")
        self.assertEqual(answer["answered"], answer["sent"], {**answer, **{host: self.lab.verdicts(host) for host in self.HOSTS}})
        spis = {bytes(packet.payload[:4]) for packet in pcap.packets(file) if packet.kind == "ESP" and packet.source == "10.77.0.1"}
        self.assertGreaterEqual(len(spis), 3, "the SPI did not change with each lifetime")
        self.assertEqual(self.outbound_spis() & before, set())
        for host in self.HOSTS:
            for name in ("bad_spi", "inbound_sa_expired", "outbound_held_full", "inbound_not_authentic", "inbound_replayed"):
                self.assertEqual(self.lab.verdict(host, name), dropped_before[host].get(name, 0), f"{name} at host {host}")

    def test_bulk_data_of_several_lifetimes_arrives(self):
        """As fast as it goes: a rekey may then cost a pause, never a wrong byte and never clear text."""
        for host in self.HOSTS:
            self.lab.apply(host, policies.protect_network(action=negotiate(offer(policies.GCM, kilobytes=self.KILOBYTES))))
        wait_for(lambda: reached(self.lab, "a", "10.77.0.2"), REACH_SECONDS, "a ping is answered")
        marker = new_marker()
        with self.lab.capture("a") as file:
            sent, received = self.lab.transfer("a", "b", 5 * self.KILOBYTES * 1024, marker)
        self.assertEqual(sent["sha256"], received["sha256"])
        self.assert_protected(file, marker)

    def outbound_spis(self):
        return {sa["spi"] for sa in self.lab.quick_mode_sas("a") if sa["direction"] == "outbound"}
