"""The Policy Agent and its daemons: who dies is replaced, who survives is kept, who is stopped leaves nothing."""

from lab import BIN, LabTest, wait_for
import policies

SECONDS = 60


class AgentLife(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.HOSTS:
            cls.lab.apply(host, policies.protect_network())

    def setUp(self):
        self.wait_for_traffic()

    def wait_for_traffic(self):
        wait_for(lambda: self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0, SECONDS, "a ping is answered")

    def pid(self, host, service):
        return self.lab.host_status(host)["services"][service]["pid"]

    def spis(self, host):
        return {sa["spi"] for sa in self.lab.quick_mode_sas(host)}

    def test_pa_25_a_killed_ike_is_replaced_and_its_sas_go_on(self):
        before = self.spis("a")
        restarts = self.lab.restarts("a", "ike")
        dead = self.lab.kill("a", "ike")
        done = self.lab.ping("a", "10.77.0.2", "-i", "0.2", count=10)
        self.assertIn(" 0% packet loss", done.stdout)
        wait_for(lambda: self.pid("a", "ike") not in (0, dead), SECONDS, "the agent starts IKE again")
        self.assertEqual(self.lab.restarts("a", "ike"), restarts + 1)
        self.assertLessEqual(before, self.spis("a"))
        self.lab.wait_in_force("a", "Protect")

    def test_pa_25_traffic_recovers_through_a_replaced_ike(self):
        dead = self.lab.kill("a", "ike")
        wait_for(lambda: self.pid("a", "ike") not in (0, dead), SECONDS, "the agent starts IKE again")
        self.lab.wait_in_force("a", "Protect")
        dead = self.lab.kill("a", "driver")  # its SAs are gone with it: the new IKE must make new ones
        wait_for(lambda: self.pid("a", "driver") not in (0, dead), SECONDS, "the agent starts the driver again")
        self.wait_for_traffic()

    def test_daemons_and_sas_survive_a_killed_agent(self):
        pids = {service: self.pid("a", service) for service in ("driver", "ike")}
        before = self.spis("a")
        self.assertTrue(before)
        self.lab.kill("a", "agent")
        done = self.lab.ping("a", "10.77.0.2", count=3)
        self.assertIn(" 0% packet loss", done.stdout)
        self.lab.start("a")
        self.lab.wait_in_force("a", "Protect")
        self.assertEqual({service: self.pid("a", service) for service in ("driver", "ike")}, pids)
        self.assertLessEqual(before, self.spis("a"))
        self.assertIn("service_adopted", {event["name"] for event in self.lab.events("a")})

    def test_an_adopted_daemon_is_replaced_too(self):
        self.lab.kill("a", "agent")
        self.lab.start("a")
        self.lab.wait_in_force("a", "Protect")
        dead = self.lab.kill("a", "driver")
        wait_for(lambda: self.pid("a", "driver") not in (0, dead), SECONDS, "the agent starts the driver again")
        self.wait_for_traffic()

    def test_pa_20_sighup_loads_the_policy_again(self):
        self.lab.kill("a", "agent", "HUP")
        wait_for(lambda: self.lab.show("a", "status")["last_load_reason"] == "reload", SECONDS, "the policy is loaded again")
        self.lab.wait_in_force("a", "Protect")

    def test_a_second_agent_for_the_same_host_is_refused(self):
        directory = self.lab.directory / "a"
        done = self.lab.exec("a", str(BIN / "policyagentd"), "--runtime-dir", str(directory / "run"), "--state-dir", str(directory / "state"), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("already served by process", done.stderr)
        self.wait_for_traffic()

    def test_pa_07_a_stopped_agent_leaves_nothing_and_comes_back_with_its_policy(self):
        self.lab.stop("b")
        self.addCleanup(self.wait_for_traffic)
        self.addCleanup(self.lab.start, "b")
        self.assertEqual(list((self.lab.directory / "b" / "run").glob("*.sock")), [])
        self.assertNotIn("ipsec-", self.lab.exec("b", "ip", "-brief", "link").stdout)
        log = self.lab.log("b")
        self.assertLess(log.rindex("service_stopped service=ike"), log.rindex("service_stopped service=driver"))

    def test_events_of_all_three_services_are_listed(self):
        self.lab.kill("a", "driver")  # so that each has something to say, also to an agent that has just been started
        sources = lambda: {event["source"] for event in self.lab.events("a")}
        self.wait_for_traffic()
        wait_for(lambda: {"policyagent", "driver", "ike"} <= sources(), SECONDS, lambda: f"events of three services, there are {sources()}")

    def test_im_02_contact_through_a_new_address_leaves_the_sas_of_the_others(self):
        before = self.spis("a")
        self.lab.exec("a", "ip", "address", "add", "10.77.0.77/24", "dev", "eth0")
        self.addCleanup(self.lab.exec, "a", "ip", "address", "del", "10.77.0.77/24", "dev", "eth0")
        wait_for(lambda: self.lab.ping("a", "10.77.0.2", "-I", "10.77.0.77", count=1, check=False).returncode == 0, SECONDS, "a ping from the new address is answered")
        self.assertLessEqual(before, self.spis("a"))
