"""The default response rule: a host that has no rule for a peer answers when the peer asks for security, and never asks itself (DR-06 to DR-11)."""

import policies
from lab import LabTest, new_marker, pcap, wait_for
from policies import PERMIT, document, negotiate, offer, rule

PORT = 5001
SIZE = 300_000
EXPIRY_SECONDS = 120  # the idle time of a dynamic filter after its last SA, and a busy machine
REFUSAL_SECONDS = 90  # repetitions until the initiator gives up
NOISE = {"ARP", "neighbour discovery", "multicast listener"}
# In clear in, secured out: how a server asks clients that would not ask by themselves.
REQUEST = negotiate(inbound_passthrough=True)
SERVICE = [{"source": "me", "destination": "any", "protocol": "TCP", "source_port": PORT}]


def client(name="Client", *rules, active=True, key=policies.KEY, offers=None):
    """A policy whose default response rule answers with the key."""
    made = document(name, *rules)
    made["policies"][0]["default_response"] = {
        "active": active, "offers": offers or [offer(policies.GCM)], "authentication": [{"method": "psk", "psk": key}]}
    return made


def server(name="Server", action=REQUEST):
    return document(name, rule("Service", SERVICE, action))


class DefaultResponse(LabTest):
    """Host a is the server, b and c are clients. Every test puts its own policies in force."""

    HOSTS = ("a", "b", "c")

    def specific_filters(self, host):
        return self.lab.show(host, "qmfilter", "all", "type=specific")["driver"].get("filters", [])

    def dynamic_filters(self, host):
        return [found for found in self.specific_filters(host) if found.get("dynamic")]

    def texts(self, host, name):
        return [event["text"] for event in self.lab.events(host) if event["name"] == name]

    def wait_for_text(self, host, name, part):
        wait_for(lambda: any(part in text for text in self.texts(host, name)), REFUSAL_SECONDS,
                 lambda: f"an event {name} of host {host} with '{part}':\n" + "\n".join(self.texts(host, name)))

    def transfer(self, source, target, size=SIZE):
        """TCP to the service. Returns what the client's card saw of it, and what the data was marked with."""
        marker = new_marker()
        with self.lab.capture(source) as file:
            sent, received = self.lab.transfer(source, target, size, marker, port=PORT)
        self.assertEqual(sent["sha256"], received["sha256"])
        return file, marker

    def setUp(self):
        """Neither SAs nor dynamic filters of the test before, nor its deletes in the captures of the next."""
        for host in self.HOSTS:
            if name := self.lab.show(host, "status")["policy_name"]:
                self.lab.netsh(host, "ipsec", "static", "set", "policy", f"name={name}", "assign=n")
        for host in self.HOSTS:
            wait_for(lambda host=host: not self.lab.quick_mode_sas(host) and not self.lab.show(host, "mmsas")["sas"], EXPIRY_SECONDS,
                     f"host {host} has no SA")

    def test_DR_09_between_two_clients_traffic_stays_clear(self):
        for host in ("b", "c"):
            self.lab.apply(host, client(f"Client {host}"))
        file, marker = self.transfer("b", "c")
        self.assertTrue(pcap.contains(file, marker))
        clients = {"10.77.0.2", "10.77.0.3"}
        self.assertEqual({packet.kind for packet in pcap.packets(file) if {packet.source, packet.destination} == clients} - NOISE, {"TCP"})
        self.assertEqual(self.dynamic_filters("b") + self.dynamic_filters("c"), [])

    def test_DR_08_DR_10_DR_11_the_server_asks_and_the_client_answers(self):
        self.lab.apply("a", server())
        self.lab.apply("b", client())
        static = self.lab.netsh("b", "--json", "ipsec", "static", "show", "all")

        file, marker = self.transfer("b", "a")
        self.assertFalse(pcap.contains(file, marker), "the data was on the wire in clear")
        packets = [packet for packet in pcap.packets(file) if packet.kind not in NOISE]
        self.assertEqual((packets[0].kind, packets[0].source), ("TCP", "10.77.0.2"), "DR-10: the first SYN is in clear")
        first_isakmp = next(place for place, packet in enumerate(packets) if packet.kind == "ISAKMP")
        self.assertEqual(packets[first_isakmp].source, "10.77.0.1", "DR-10: the server begins the negotiation")
        first_esp = next(place for place, packet in enumerate(packets) if packet.kind == "ESP")
        self.assertEqual(packets[first_esp].source, "10.77.0.1", "DR-10: the SYN-ACK is the first protected packet")
        # The server's driver lets the SYN-ACK go as soon as it has the SA, at the same time as IKE sends the last message.
        self.assertGreaterEqual(sum(packet.kind == "ISAKMP" for packet in packets[:first_esp]), 8, "main mode, and quick mode but its last message")
        self.assertGreaterEqual(sum(packet.kind == "ISAKMP" for packet in packets), 9)
        clear = [packet for packet in packets if packet.kind == "TCP"]
        self.assertEqual({packet.source for packet in clear}, {"10.77.0.2"}, "the server sends nothing in clear")
        self.assertEqual({packet.kind for packet in packets[first_esp:]} - {"ISAKMP"}, {"ESP"}, "the rest is protected")

        # DR-08: the dynamic filter is in the agent, as a mirrored pair, and its SAs are under it.
        found = self.dynamic_filters("b")
        self.assertEqual(len(found), 2, found)
        self.assertEqual({one["rule_name"] for one in found}, {"<Default Response Rule>"})
        self.assertEqual({one["mirror_id"] for one in found}, {one["id"] for one in found})
        shown = self.lab.netsh("b", "ipsec", "dynamic", "show", "qmfilter", "all", "type=specific")
        self.assertRegex(shown, r"Dynamic +: YES")
        self.assertEqual({sa["filter_id"] for sa in self.lab.quick_mode_sas("b")}, {one["id"] for one in found})

        # DR-11: nothing of it is in the stored policy.
        self.assertEqual(self.lab.netsh("b", "--json", "ipsec", "static", "show", "all"), static)
        self.assertEqual(self.lab.show("b", "qmfilter", "all", "type=generic").get("generic_filters", []), [])

        # While the filter is there, the client secures what it begins itself.
        file, marker = self.transfer("b", "a")
        self.assert_protected(file, marker)

        # The last SA gone, so is the filter a while later, and traffic with hosts that do not ask is clear again.
        self.lab.netsh("a", "ipsec", "static", "set", "policy", "name=Server", "assign=n")
        wait_for(lambda: not self.dynamic_filters("b"), EXPIRY_SECONDS, "the idle dynamic filter is gone")
        self.assertTrue(self.texts("b", "dynamic_filter_removed"))
        file, marker = self.transfer("b", "a")
        self.assertTrue(pcap.contains(file, marker))

    def test_DR_11_a_policy_without_the_rule_has_no_dynamic_filter(self):
        self.lab.apply("a", server())
        self.lab.apply("b", client())
        self.transfer("b", "a")
        self.assertEqual(len(self.dynamic_filters("b")), 2)
        self.lab.netsh("b", "ipsec", "static", "set", "defaultrule", "policy=Client", "activate=no")
        wait_for(lambda: not self.dynamic_filters("b"), EXPIRY_SECONDS, "the filter goes with its rule")
        wait_for(lambda: not self.lab.quick_mode_sas("a"), EXPIRY_SECONDS, "the server has heard that the SAs are gone")
        self.lab.netsh("b", "ipsec", "static", "set", "defaultrule", "policy=Client", "activate=yes")
        self.lab.wait_in_force("b", "Client")
        self.assertEqual(self.dynamic_filters("b"), [])
        file, marker = self.transfer("b", "a")
        self.assertFalse(pcap.contains(file, marker), "asked again, it answers again")
        self.lab.netsh("b", "ipsec", "static", "set", "policy", "name=Client", "assign=n")
        wait_for(lambda: not self.specific_filters("b"), EXPIRY_SECONDS, "no policy, no filter")

    def test_DR_07_an_inactive_rule_refuses_and_says_so(self):
        self.lab.apply("a", server())
        self.lab.apply("b", client(active=False))
        with self.lab.capture("b") as file, self.lab.talker("a", "receive", "10.77.0.1", PORT):
            self.assertEqual(self.lab.traffic("b", "connect", "10.77.0.1", PORT, 5)["outcome"], "timed out")
            self.wait_for_text("b", "no_main_mode_filter", "default response inactive")
        self.assertEqual(pcap.counts(file).get("ESP", 0), 0)
        self.assertEqual(self.dynamic_filters("b"), [])
        wait_for(lambda: self.texts("a", "negotiation_failed"), REFUSAL_SECONDS, "the server has failed, too")

    def test_DR_06_an_explicit_rule_wins(self):
        """Host a asks for what it pings with; b has a rule that secures it, c one that permits it."""
        self.lab.apply("a", document("Server", rule("Ping", [{"source": "me", "destination": "any", "protocol": "ICMP"}], negotiate())))
        explicit = rule("Explicit", [{"source": "me", "destination": "10.77.0.1", "protocol": "ICMP"}], negotiate())
        self.lab.apply("b", client("Client", explicit, key="another key than the server's"))
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2")
        self.assert_protected(file)
        self.assertEqual(self.dynamic_filters("b"), [])
        self.assertEqual({(sa["rule_name"], sa.get("initiator", False)) for sa in self.lab.quick_mode_sas("b")}, {("Explicit", False)})

        self.lab.apply("c", client("Client", rule("Permit", [{"source": "me", "destination": "10.77.0.0/24"}], PERMIT)))
        self.assertNotEqual(self.lab.ping("a", "10.77.0.3", count=1, check=False).returncode, 0)
        self.wait_for_text("c", "no_matching_filter", "rule 'Permit' permits")
        self.assertEqual(self.dynamic_filters("c"), [])
        self.assertEqual(self.lab.quick_mode_sas("c"), [])

    def test_DR_10_a_killed_agent_of_the_client_costs_a_new_negotiation_only(self):
        self.lab.apply("a", server())
        self.lab.apply("b", client())
        self.transfer("b", "a")
        self.lab.kill("b", "agent")
        self.lab.start("b")
        self.lab.wait_in_force("b", "Client")
        file, marker = self.transfer("b", "a")
        self.assertFalse(pcap.contains(file, marker))
        self.assertEqual(len(self.dynamic_filters("b")), 2)

    def test_DR_08_DR_10_the_example_policies_need_only_a_key(self):
        """Secure Server (Require Security) and Client (Respond Only), as restorepolicyexamples makes them."""
        secure_server, respond_only = "Secure Server (Require Security)", "Client (Respond Only)"
        key = f"psk={policies.KEY}"
        for host in ("a", "b"):
            self.lab.netsh(host, "ipsec", "static", "restorepolicyexamples", "release=win2003")
        self.lab.netsh("a", "ipsec", "static", "set", "rule", "name=All IP Traffic", f"policy={secure_server}", key)
        self.lab.netsh("b", "ipsec", "static", "set", "defaultrule", f"policy={respond_only}", key)
        for host, name in (("a", secure_server), ("b", respond_only)):
            self.lab.assign(host, name)
            self.lab.wait_in_force(host, name)
        file, marker = self.transfer("b", "a")
        self.assertFalse(pcap.contains(file, marker))
        self.assertGreater(pcap.counts(file).get("ESP", 0), 0)
        found = self.dynamic_filters("b")
        self.assertEqual({sa["filter_id"] for sa in self.lab.quick_mode_sas("b")}, {one["id"] for one in found})
        # The first of the rule's six methods (DR-05), which is the server's first, too.
        self.assertEqual({(sa["cipher"], sa["integrity"]) for sa in self.lab.quick_mode_sas("b")}, {("triple_des", "sha1")})

    def test_DR_08_sas_under_a_dynamic_filter_are_renewed_like_others(self):
        kilobytes = 20480
        action = negotiate(offer(policies.GCM, kilobytes=kilobytes), inbound_passthrough=True)
        self.lab.apply("a", server(action=action))
        self.lab.apply("b", client())
        self.transfer("b", "a")
        before = {one["id"] for one in self.dynamic_filters("b")}
        file, marker = self.transfer("b", "a", size=3 * kilobytes * 1024)
        self.assert_protected(file, marker)
        spis = {bytes(packet.payload[:4]) for packet in pcap.packets(file) if packet.kind == "ESP" and packet.source == "10.77.0.2"}
        self.assertGreaterEqual(len(spis), 3, "the SPI did not change with each lifetime")
        self.assertEqual({one["id"] for one in self.dynamic_filters("b")}, before)
