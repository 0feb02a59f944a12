"""Keys for Wireshark: what `export keys` writes lets tshark read a captured negotiation and what the SAs protect, and nothing else gives keys away."""

import stat
import subprocess

import policies
from lab import LabTest, new_marker, wait_for

SECONDS = 20
STARTED_SECONDS = 10


def tshark(file, directory, display_filter, *fields):
    """Fields of the packets that the filter shows, with the two files as tables of keys."""
    options = ["-o", "esp.enable_encryption_decode:TRUE"]
    for table in ("ikev1_decryption_table", "esp_sa"):
        for line in (directory / table).read_text(encoding="ascii").splitlines():
            options += ["-o", f"uat:{table}:{line}"]
    done = subprocess.run(["tshark", "-r", str(file), *options, "-Y", display_filter, "-T", "fields", *(word for field in fields for word in ("-e", field))],
                          capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


class Keys(LabTest):
    def export(self, directory, seconds, check=True):
        return self.lab.netsh("a", "ipsec", "dynamic", "export", "keys", f"directory={directory}", f"seconds={seconds}", check=check)

    def began(self):
        return sum(event["name"] == "key_export_began" for event in self.lab.events("a"))

    def negotiation_with_keys(self, name, action):
        for host in self.HOSTS:
            self.lab.apply(host, policies.document(name, policies.rule("Network", policies.TO_NETWORK, action)))
        self.lab.netsh("a", "ipsec", "dynamic", "delete", "sa", "all")
        directory = self.lab.directory / f"keys-{name}"
        directory.mkdir(mode=0o700)
        before = self.began()
        marker = new_marker()
        exporting = subprocess.Popen(self.lab.command("netsh", "a", "ipsec", "dynamic", "export", "keys", f"directory={directory}", f"seconds={SECONDS}"),
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        with self.lab.capture("a") as file:
            wait_for(lambda: self.began() > before, STARTED_SECONDS, "the export has begun")
            refused = self.export(directory, 1, check=False)
            self.assertIn("already", refused)
            wait_for(lambda: self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), count=1, check=False).returncode == 0, SECONDS, "a ping is answered")
            self.lab.ping("a", "10.77.0.2", "-p", marker.hex(), count=3)
            said = exporting.communicate(timeout=3 * SECONDS)[0]
        self.assertEqual(exporting.returncode, 0, said)
        self.assertIn("WARNING", said)
        wait_for(lambda: any(event["name"] == "key_export_ended" for event in self.lab.events("a")), STARTED_SECONDS, "an event that the export has ended")
        for table in directory.iterdir():
            self.assertEqual(stat.S_IMODE(table.stat().st_mode), 0o600)
        return file, directory, marker

    def test_tshark_reads_a_negotiation_and_its_packets(self):
        for name, action in (("Cbc", policies.negotiate(policies.offer(policies.CBC))), ("Gcm", policies.negotiate())):
            with self.subTest(action=name):
                file, directory, marker = self.negotiation_with_keys(name, action)
                # Message 5 has an identity, quick mode has proposals for ESP: both are encrypted on the wire.
                identities = tshark(file, directory, "isakmp.exchangetype == 2 && isakmp.id.data.ipv4_addr", "isakmp.id.data.ipv4_addr")
                self.assertIn(["10.77.0.1"], identities)
                self.assertTrue(tshark(file, directory, "isakmp.exchangetype == 32 && isakmp.prop.transforms", "isakmp.prop.protoid"))
                pings = tshark(file, directory, "esp && icmp.type == 8", "data.data")
                self.assertGreaterEqual(len(pings), 3)
                self.assertTrue(all(marker.hex() in line[0].replace(":", "") for line in pings), pings)
                again = self.export(directory, 1, check=False)
                self.assertIn("is there already", again)

    def test_a_folder_that_is_none_is_refused_before_anything_is_told(self):
        before = self.began()
        self.assertIn("is no directory", self.export("/nowhere", 1, check=False))
        self.assertEqual(self.began(), before)
