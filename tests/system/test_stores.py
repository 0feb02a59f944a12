"""Central store, cache and local store: real files, real daemons, and what becomes of the traffic."""

import shutil

from lab import CommandFailed, LabTest, pcap, wait_for
import policies

SECONDS = 60
POLL_SECONDS = 90  # a polling interval of one minute, and something to spare


def central_policy(name, *more_rules, polling=120):
    """Protects the lab's network; every host of the lab has the same one."""
    policy = policies.document(name, policies.rule("Network", policies.TO_NETWORK, policies.negotiate()), *more_rules)
    policy["policies"][0]["polling_interval_minutes"] = polling
    return policy


class Stores(LabTest):
    """a and b take their policies from a file on a "share"; c is the administrator's computer, where that file is made."""

    HOSTS = ("a", "b", "c")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.share = cls.lab.directory / "share"
        cls.share.mkdir()
        cls.central = cls.share / "central.db"
        cls.away = cls.lab.directory / "away"
        cls.key = cls.lab.directory / "central.key"
        cls.key.write_bytes((cls.lab.directory / "c" / "state" / "policy.key").read_bytes())
        cls.key.chmod(0o600)
        for host in ("a", "b"):
            cls.lab.stop(host)
            (cls.lab.directory / host / "policyagent.conf").write_text(
                f"# of the test\ncentral-store = \"sqlite:{cls.central}\"\ncentral-key = {cls.key}\ncentral-timeout = 5\n", encoding="ascii")
            cls.lab.start(host)

    def setUp(self):
        self.publish(central_policy("Central"))
        for host in ("a", "b"):
            self.refresh(host, "Central")
        self.assert_protected_traffic()

    def tearDown(self):
        if self.away.exists():
            self.bring_share_back()

    # ---- the administrator ----

    def make_central_file(self, policy):
        """What the administrator's computer makes of the policy: the content of a store file."""
        self.lab.netsh("c", "ipsec", "static", "delete", "all")
        self.lab.import_policy("c", {**policy, "assigned": None})
        self.lab.netsh("c", "ipsec", "static", "set", "policy", f"name={policy['assigned']}", "assign=y")
        self.lab.stop("c")  # then everything is in the one file
        content = (self.lab.directory / "c" / "state" / "policy.db").read_bytes()
        self.lab.start("c")
        # The administrator's own computer is under no policy.
        self.lab.netsh("c", "ipsec", "static", "set", "policy", f"name={policy['assigned']}", "assign=n")
        return content

    def publish(self, policy):
        content = self.make_central_file(policy)
        draft = self.share / "central.new"
        draft.write_bytes(content)
        draft.rename(self.central)
        return content

    def take_share_away(self):
        self.share.rename(self.away)

    def bring_share_back(self):
        shutil.rmtree(self.share, ignore_errors=True)
        self.away.rename(self.share)

    def remove_cache(self, host):
        for file in (self.lab.directory / host / "state").glob("cache.db*"):
            file.unlink()

    # ---- the hosts ----

    def status(self, host):
        return self.lab.show(host, "status")

    def store(self, host, name):
        return next(store for store in self.status(host)["stores"] if store["name"] == name)

    def refresh(self, host, state, policy=None):
        printed = self.lab.netsh(host, "ipsec", "dynamic", "refresh")
        status = self.status(host)
        self.assertEqual(status["state"], state, printed)
        if policy:
            self.lab.wait_in_force(host, policy)
        return printed

    def assert_protected_traffic(self):
        for host in ("a", "b"):
            self.lab.wait_in_force(host, self.status(host)["policy_name"])
        wait_for(lambda: self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0, SECONDS, "a ping is answered")
        with self.lab.capture("b") as wire:
            self.assertIn(" 0% packet loss", self.lab.ping("a", "10.77.0.2").stdout)
        self.assert_protected(wire)

    # ---- tests ----

    def test_pa_09_the_order_of_stores(self):
        self.assertEqual(self.store("a", "central")["state"], "in force")
        self.assertEqual(self.store("a", "cache")["version"], self.store("a", "central")["version"])
        shown = self.lab.netsh("a", "ipsec", "static", "show", "store")
        self.assertIn(f"sqlite:{self.central}", shown)
        self.assertIn("DSIPSECPolicyPath", shown)
        self.assertIn("Directory Downloaded", self.lab.netsh("a", "ipsec", "dynamic", "show", "status"))

        self.lab.import_policy("a", policies.protect_network("Own"))
        self.addCleanup(self.lab.netsh, "a", "ipsec", "static", "delete", "all")
        self.assertEqual(self.status("a")["policy_name"], "Central", "PA-23: the central policy stays in force")

        self.take_share_away()
        printed = self.refresh("a", "Cached", "Central")
        self.assertIn("central store cannot be read", printed)
        self.assert_protected_traffic()

        self.lab.stop("a")
        self.lab.start("a")
        wait_for(lambda: self.status("a")["state"] == "Cached", SECONDS, "ST-12: the cached policy is in force after a restart")
        self.assertEqual(self.status("a")["policy_name"], "Central")
        self.assert_protected_traffic()

        self.remove_cache("a")
        self.refresh("a", "Local", "Own")
        self.assertIn("Local Downloaded", self.lab.netsh("a", "ipsec", "dynamic", "show", "status"))
        self.assert_protected_traffic()  # the local one demands the same, with the same key

        self.lab.netsh("a", "ipsec", "static", "set", "policy", "name=Own", "assign=n")
        wait_for(lambda: not self.status("a")["driver_attached"], SECONDS, "PA-21: with no policy no traffic is touched")
        self.assertEqual(self.status("a")["state"], "Initial")
        self.assertIn(" 0% packet loss", self.lab.ping("a", "10.77.0.3").stdout)

        self.bring_share_back()
        self.refresh("a", "Central", "Central")
        self.assert_protected_traffic()

    def test_st_10_the_newer_central_policy_replaces_the_cached_one(self):
        self.take_share_away()
        self.refresh("a", "Cached", "Central")
        before = self.store("a", "cache")["version"]
        content = self.make_central_file(central_policy("Central", policies.rule("Icmp", [{"source": "me", "destination": "10.77.0.0/24", "protocol": "ICMP"}], policies.PERMIT)))
        (self.away / "central.db").write_bytes(content)
        self.bring_share_back()
        self.refresh("a", "Central", "Central")
        self.refresh("b", "Central", "Central")
        self.assertNotEqual(self.store("a", "cache")["version"], before)
        with self.lab.capture("b") as wire:
            self.assertIn(" 0% packet loss", self.lab.ping("a", "10.77.0.2").stdout)
        self.assertNotIn("ESP", pcap.counts(wire), "the new rule permits ICMP")

    def test_no_fault_of_the_central_file_touches_the_traffic(self):
        whole = self.central.read_bytes()
        faults = {"empty": b"", "half": whole[:len(whole) // 2], "a few octets": whole[:100], "something else": b"x" * 20000,
                  "damaged": whole[:4096] + b"x" * 8192 + whole[12288:]}
        for name, content in faults.items():
            with self.subTest(name):
                self.central.write_bytes(content)
                printed = self.refresh("a", "Cached", "Central")
                self.assertIn(str(self.central), printed)
        self.assert_protected_traffic()
        self.central.write_bytes(whole)
        self.refresh("a", "Central", "Central")

    def test_pa_08_pa_19_the_polling_interval_finds_a_new_policy(self):
        self.publish(central_policy("Every minute", polling=1))
        self.refresh("a", "Central", "Every minute")
        self.assertEqual(self.status("a")["polling_interval_minutes"], 1)
        self.assertLessEqual(self.status("a")["next_poll_seconds"], 60)
        self.publish(central_policy("Found by polling", polling=120))
        wait_for(lambda: self.status("a")["policy_name"] == "Found by polling", POLL_SECONDS, "the new policy is found")
        self.assertEqual(self.status("a")["last_load_reason"], "poll")
        self.assertEqual(self.status("a")["polling_interval_minutes"], 120)

    def test_pa_03_events_come_in_the_documented_order(self):
        self.lab.stop("a")
        self.lab.start("a")
        self.lab.wait_in_force("a", "Central")
        names = [(event["name"], event["fields"].get("service")) for event in self.lab.events("a") if event["source"] == "policyagent"]
        order = [("policy_pointer", None), ("intervals_set", None), ("interface_manager_started", None), ("service_started", "driver"),
                 ("service_started", "ike"), ("service_loop_entered", None)]
        places = [names.index(event) for event in order]
        self.assertEqual(places, sorted(places), names)
        self.assertGreater(names.index(("policy_loaded", None)), places[-2], names)

    def test_keys_are_sealed_and_a_lost_key_file_is_named(self):
        state = self.lab.directory / "b" / "state"
        self.lab.import_policy("b", policies.protect_network("Own", key="a key that nobody should find"))
        self.addCleanup(self.lab.netsh, "b", "ipsec", "static", "delete", "all")
        content = b"".join(file.read_bytes() for file in state.iterdir() if file.is_file())
        self.assertNotIn(b"a key that nobody should find", content)
        self.assertNotIn(policies.KEY.encode(), content, "in the cache")
        self.assertEqual((state / "policy.key").stat().st_mode & 0o777, 0o600)
        self.assertNotIn("a key that nobody", self.lab.netsh("b", "ipsec", "static", "show", "all"))

        self.lab.stop("b")
        (state / "policy.key").rename(state / "kept")
        (state / "policy.db").chmod(0o644)
        self.lab.start("b")
        self.addCleanup(self.lab.start, "b")
        self.addCleanup(lambda: (state / "kept").exists() and (state / "kept").rename(state / "policy.key"))
        self.addCleanup(self.lab.stop, "b")
        self.lab.wait_in_force("b", "Central")  # its keys come with the central store's own key
        events = {event["name"]: event["text"] for event in self.lab.events("b")}
        self.assertIn(str(state / "policy.key"), events["key_file_lost"])
        self.assertIn("mode 0644", events["store_made_private"])
        self.assertEqual((state / "policy.db").stat().st_mode & 0o777, 0o600)
        self.assertNotIn("a key that nobody should find", self.lab.log("b"))


class Domain(LabTest):
    """The central store administered from a host by netsh, as a domain's policies are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.share = cls.lab.directory / "share"
        cls.share.mkdir()
        for host in cls.HOSTS:
            cls.lab.stop(host)
            (cls.lab.directory / host / "policyagent.conf").write_text(f"central-store = sqlite:{cls.share}/central.db\n", encoding="ascii")
            cls.lab.start(host)

    def in_domain(self, *lines, check=True, store="domain"):
        """`set store` lasts as long as one netsh."""
        return self.lab.netsh_script("a", ["pushd ipsec static", f"set store location={store}", *lines], check=check)

    def gpo_policy(self, host, *words):
        return self.lab.netsh(host, "ipsec", "static", "show", "gpoassignedpolicy", *words)

    def refused(self, *lines, store="domain"):
        with self.assertRaises(CommandFailed) as refused:
            self.in_domain(*lines, store=store)
        return str(refused.exception)

    def test_st_01_pa_16_a_policy_of_the_domain_made_and_assigned_by_netsh(self):
        self.assertIn("No policy of the domain", self.gpo_policy("a"))
        self.in_domain(
            "add policy name=Domain activatedefaultrule=no",
            f"add filter filterlist=Network srcaddr=me dstaddr={policies.NETWORK_4}",
            'add filteraction name=Secure action=negotiate qmsecmethods="ESP[AES128-GCM]:100000k/3600s"',
            f'add rule name=Network policy=Domain filterlist=Network filteraction=Secure psk="{policies.KEY}"',
            "set policy name=Domain assign=y")
        self.lab.wait_in_force("a", "Domain")
        self.lab.netsh("b", "ipsec", "dynamic", "refresh")
        self.lab.wait_in_force("b", "Domain")
        for host in self.HOSTS:
            self.assertEqual(self.lab.show(host, "status")["state"], "Central")
            shown = self.gpo_policy(host)
            self.assertIn("Domain", shown)
            self.assertIn("Central Store", shown)
            self.assertIn("there are no policies", self.lab.netsh(host, "ipsec", "static", "show", "policy", "all", check=False), "in the local store")
        wait_for(lambda: self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0, SECONDS, "a ping is answered")
        with self.lab.capture("b") as wire:
            self.lab.ping("a", "10.77.0.2")
        self.assert_protected(wire)

        shown = self.in_domain("show policy all level=verbose", "show store")
        self.assertIn("Preshared Key ****", shown)
        self.assertIn(f"sqlite:{self.share}/central.db", shown)
        self.assertNotIn(policies.KEY, shown + self.in_domain("dump"))
        self.assertIn(policies.KEY, self.in_domain("dump secrets=yes"))

        self.assertIn("cache can be neither", self.refused("set policy name=Domain newname=X", store="cache"))
        self.assertIn("location=domain", self.refused("set policy name=Domain assign=y gponame=G", store="local"))
        self.assertIn("no central store 'elsewhere.example'", self.refused("set store location=domain domain=elsewhere.example"))
        self.assertEqual(self.lab.show("a", "status")["policy_name"], "Domain")

        self.in_domain("set policy name=Domain assign=n gponame=G", store="central")
        for host in self.HOSTS:
            self.lab.netsh(host, "ipsec", "dynamic", "refresh")
            wait_for(lambda: not self.lab.show(host, "status")["driver_attached"], SECONDS, "no policy is in force")
            self.assertIn("No policy of the domain", self.gpo_policy(host))
