"""Files of administrators through netsh and ipseccmd to the wire: a .bat, a UTF-16 script, a code page, --strict, the dynamic policy."""

import json
import secrets

from lab import LabTest, wait_for

SECONDS = 60

BATCH = """@echo off\r
rem blocks TCP 445, permits the rest\r
if "%1"=="off" netsh ipsec static delete all\r
netsh ipsec static add policy name=FromBatch activatedefaultrule=no >nul\r
netsh ipsec static add filter filterlist=SMB srcaddr=any dstaddr=me protocol=TCP ^\r
   dstport=445 && echo done\r
netsh ipsec static add filteraction name=Drop action=block\r
netsh ipsec static add rule name=R policy=FromBatch filterlist=SMB filteraction=Drop\r
netsh ipsec static set policy name=FromBatch assign=y & pause\r
"""

UTF16 = """# 远程
pushd ipsec static
add policy name="远程 Richtlinie" activatedefaultrule=no
add filter filterlist=Ping srcaddr=me dstaddr=10.77.0.2 protocol=ICMP
add filteraction name=Sperre action=block
add rule name=R policy="远程 Richtlinie" filterlist=Ping filteraction=Sperre
set policy name="远程 Richtlinie" assign=y
popd
"""


class Scripts(LabTest):
    def setUp(self):
        self.addCleanup(self.lab.netsh, "a", "ipsec", "dynamic", "delete", "all")
        self.addCleanup(self.lab.netsh, "a", "ipsec", "static", "delete", "all")

    def file(self, suffix, content):
        path = self.lab.directory / f"{secrets.token_hex(4)}{suffix}"
        path.write_bytes(content)
        return str(path)

    def pings(self):
        return self.lab.ping("a", "10.77.0.2", count=1, check=False).returncode == 0

    def wait_blocked(self):
        wait_for(lambda: not self.pings(), SECONDS, "no ping is answered")

    def stored(self, kind):
        """The names of the policies, filter lists or filter actions that are there."""
        key = {"policy": "policies", "filterlist": "filter_lists"}[kind]
        return [entry["name"] for entry in json.loads(self.lab.netsh("a", "--json", "ipsec", "static", "show", kind))["result"][key]]

    def test_a_batch_file_blocks_a_port(self):
        printed = self.lab.netsh("a", "-f", self.file(".bat", BATCH.encode()))
        self.assertIn(":3: note: skipped a command of netsh", printed)
        self.lab.wait_in_force("a", "FromBatch")
        before = self.lab.verdict("a", "inbound_blocked")
        with self.lab.talker("a", "receive", "10.77.0.1", 445):
            self.assertEqual(self.lab.traffic("b", "connect", "10.77.0.1", 445, 2)["outcome"], "timed out")
        self.assertGreater(self.lab.verdict("a", "inbound_blocked"), before)
        self.assertEqual(self.lab.traffic("b", "connect", "10.77.0.1", 446, 20)["outcome"], "refused by the host")

    def test_a_utf_16_script_with_names_beyond_ascii(self):
        for encoding in ("utf-16", "utf-16-be"):
            with self.subTest(encoding=encoding):
                self.lab.netsh("a", "ipsec", "static", "delete", "all")
                wait_for(self.pings, SECONDS, "a ping is answered without a policy")
                self.lab.netsh("a", "-f", self.file(".txt", UTF16.replace("\n", "\r\n").encode(encoding)))
                self.lab.wait_in_force("a", "远程 Richtlinie")
                self.assertFalse(self.pings())

    def test_a_script_in_a_code_page(self):
        path = self.file(".txt", "ipsec static add filterlist name=远程\n".encode("gbk"))
        refused = self.lab.netsh("a", "-f", path, check=False)
        self.assertIn("--codepage", refused)
        self.lab.netsh("a", "--codepage", "936", "-f", path)
        self.assertIn("远程", self.stored("filterlist"))

    def test_a_strict_script_that_fails_changes_nothing(self):
        lines = "pushd ipsec static\nadd policy name=P\nadd filterlist name=L\nadd filterlist name=l\n"
        printed = self.lab.netsh("a", "--strict", "-f", self.file(".txt", lines.encode()), check=False)
        self.assertIn(":4: this line failed; nothing of the script was done", printed)
        self.assertEqual(self.stored("policy") + self.stored("filterlist"), [])

    def test_ipseccmd_blocks_and_unblocks(self):
        def ipseccmd(*words):
            self.lab.exec("a", "env", f"POLICYAGENT_RUNTIME_DIR={self.lab.directory / 'a' / 'run'}", str(self.lab.bin / "ipseccmd"), *words)
        self.assertTrue(self.pings())
        ipseccmd("-w", "REG", "-p", "P", "-r", "R", "-f", "0+*::icmp", "-n", "BLOCK", "-x")
        self.lab.wait_in_force("a", "P")
        self.wait_blocked()
        ipseccmd("-w", "REG", "-p", "P", "-y", "-o")
        wait_for(self.pings, SECONDS, "a ping is answered again")

    def test_dynamic_rules_work_at_once_and_are_gone_with_the_agent(self):
        """The more specific permit wins over the block of everything, in any order (a script of the corpus)."""
        self.lab.netsh_script("a", ["pushd ipsec dynamic", "add mmpolicy name=Lock",
                                    "add rule srcaddr=any dstaddr=me mmpolicy=Lock actioninbound=block actionoutbound=block",
                                    "popd"])
        self.wait_blocked()
        self.lab.netsh("a", "ipsec", "dynamic", "add", "rule", "srcaddr=me", "dstaddr=10.77.0.2", "mmpolicy=Lock", "protocol=ICMP", "actioninbound=permit",
                       "actionoutbound=permit")
        wait_for(self.pings, SECONDS, "ICMP is permitted")
        self.assertEqual(self.lab.traffic("a", "connect", "10.77.0.2", 446, 2)["outcome"], "timed out")
        self.lab.netsh("a", "ipsec", "dynamic", "set", "config", "ipsecloginterval", "120")
        self.lab.stop("a")
        self.lab.start("a")
        wait_for(lambda: self.lab.show("a", "status")["services"], SECONDS, "the agent answers")
        self.assertIn("120", self.lab.netsh("a", "ipsec", "dynamic", "show", "config"))
        self.assertNotIn("Lock", self.lab.netsh("a", "ipsec", "dynamic", "dump"))
        self.assertEqual(self.lab.traffic("a", "connect", "10.77.0.2", 446, 20)["outcome"], "refused by the host")

    def test_dynamic_rules_negotiate(self):
        lines = ["pushd ipsec dynamic", "add mmpolicy name=M mmsecmethods=AES256-SHA256-14", "add qmpolicy name=Q pfsgroup=GRP14 qmsecmethods=ESP[AES128-GCM]"]
        for host, peer in (("a", "10.77.0.2"), ("b", "10.77.0.1")):
            self.lab.netsh_script(host, [*lines, f"add rule srcaddr=me dstaddr={peer} mmpolicy=M qmpolicy=Q psk=\"one key\"", "popd"])
            self.addCleanup(self.lab.netsh, host, "ipsec", "dynamic", "delete", "all")
        wait_for(self.pings, SECONDS, "a protected ping is answered")
        self.assertTrue(self.lab.quick_mode_sas("a"))
        with self.lab.capture("a") as file:
            self.lab.ping("a", "10.77.0.2", count=5)
        self.assert_protected(file)
