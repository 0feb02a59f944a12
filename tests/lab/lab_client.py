"""A lab from a Python program: the demo and the system tests use it. Everything goes through the program ipsec-lab, so that what they
prove holds for it too."""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "lab"))

from ipsec_lab import pcap  # noqa: E402  (the folder must be on the path first)

TRAFFIC = TOP / "tests" / "lab" / "traffic.py"
PYTHON = "/usr/bin/python3"
COMMAND_SECONDS = 120
POLICY_SECONDS = 60
POLL_SECONDS = 0.05
# What may be on a wire whose every conversation is protected.
PROTECTED_KINDS = {"ESP", "ESP in UDP", "ISAKMP", "NAT keep-alive", "ARP", "neighbour discovery", "multicast listener"}


class CommandFailed(AssertionError):
    """A command ended with another status than 0. An AssertionError: in a test that is a failure with this text."""


def wait_for(condition, seconds, what):
    """Returns the first true value of condition(); an AssertionError with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(POLL_SECONDS)
    return value


class Talker:
    """A traffic.py that waits for its peer. Ended when the `with` block is left."""

    def __init__(self, arguments):
        self.child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.child.stdout.readline()
        if line.strip() != "ready":
            self.child.kill()
            raise CommandFailed(f"{self.child.args}: {line}{self.child.communicate()[1]}")
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.child.stderr.close()

    def result(self, seconds=COMMAND_SECONDS):
        output, errors = self.child.communicate(timeout=seconds)
        if self.child.returncode != 0:
            raise CommandFailed(f"{self.child.args} ended with status {self.child.returncode}: {errors}")
        return json.loads(output.splitlines()[-1])


class Lab:
    """`with Lab(bin, ["a", "b"]) as lab:` — up at the beginning, down at the end, come what may."""

    def __init__(self, bin_folder, hosts, *options):
        self.bin = pathlib.Path(bin_folder)
        self.hosts = list(hosts)
        self.options = list(options)
        self.behind_nat = [name for option, name in zip(self.options, self.options[1:]) if option == "--behind"]
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ipsec-"))

    def command(self, name, *arguments):
        return [str(self.bin / "ipsec-lab"), name, "--dir", str(self.directory), *map(str, arguments)]

    def run(self, arguments, check=True, seconds=COMMAND_SECONDS, text_input=None):
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds, check=False, input=text_input)
        if check and done.returncode != 0:
            raise CommandFailed(f"`{' '.join(arguments)}` ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def __enter__(self):
        try:
            self.run(self.command("up", *self.options, *self.hosts))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        done = subprocess.run(self.command("down"), check=False, timeout=COMMAND_SECONDS, capture_output=True, text=True)
        if done.returncode != 0:
            # The folder stays: it holds the record by which the rest can still be taken down.
            raise CommandFailed(f"the lab in {self.directory} did not go down: {done.stderr}")
        keep = os.environ.get("POLICYAGENT_KEEP_LABS")
        if keep:
            shutil.copytree(self.directory, pathlib.Path(keep) / self.directory.name, ignore=shutil.ignore_patterns(".lock"))
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- hosts ----

    def status(self):
        return json.loads(self.run(self.command("status", "--json")).stdout)

    def host_status(self, host):
        return next(entry for entry in self.status()["hosts"] if entry["name"] == host)

    def address(self, host, version=4):
        number = self.hosts.index(host) + 1
        if host in self.behind_nat:
            return f"10.77.1.{number}" if version == 4 else f"fd77:1::{number:x}"
        return f"10.77.0.{number}" if version == 4 else f"fd77::{number:x}"

    def exec(self, host, *words, check=True, seconds=COMMAND_SECONDS):
        return self.run(self.command("exec", host, "--", *words), check, seconds)

    def kill(self, host, service, signal="KILL"):
        """Returns the pid that got the signal."""
        return int(self.run(self.command("kill", "--signal", signal, host, service)).stdout)

    def stop(self, host):
        self.run(self.command("stop", host))

    def start(self, host):
        self.run(self.command("start", host))

    def log(self, host):
        return pathlib.Path(self.host_status(host)["log"]).read_text(encoding="utf-8", errors="replace")

    # ---- policy ----

    def netsh(self, host, *words, check=True):
        return self.run(self.command("netsh", host, *words), check).stdout

    def netsh_script(self, host, lines, check=True):
        """Runs the lines with `netsh -f`."""
        script = self.directory / f"{host}-{secrets.token_hex(4)}.netsh"
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.netsh(host, "-f", str(script), check=check)

    def import_policy(self, host, policy):
        """`policy`: a dict of format policyagent/1, or the path of a file."""
        file = policy
        if isinstance(policy, dict):
            file = self.directory / f"{host}-{secrets.token_hex(4)}.json"
            file.write_text(json.dumps(policy), encoding="utf-8")
        return self.netsh(host, "ipsec", "static", "importpolicy", f"file={file}")

    def assign(self, host, name):
        self.netsh(host, "ipsec", "static", "set", "policy", f"name={name}", "assign=y")

    def show(self, host, *words):
        """What `netsh ipsec dynamic show ...` shows, as objects."""
        return json.loads(self.netsh(host, "--json", "ipsec", "dynamic", "show", *words))["result"]

    def wait_services(self, host):
        """Until driver and IKE of the host answer its agent, which answers before they do."""
        def connected():
            services = self.show(host, "status")["services"]
            return len(services) == 2 and all(service["connected"] for service in services)
        wait_for(connected, POLICY_SECONDS, lambda: f"driver and IKE of host {host} answer:\n{self.netsh(host, 'ipsec', 'dynamic', 'show', 'status')}")

    def wait_in_force(self, host, name):
        """Until driver and IKE of the host work by the policy of this name, as it is now."""
        def in_force():
            status = self.show(host, "status")
            return (status["policy_name"] == name and status["driver_attached"] and len(status["services"]) == 2
                    and all(service["connected"] and service["policy_version"] == status["policy_version"] for service in status["services"]))
        wait_for(in_force, POLICY_SECONDS, lambda: f"policy {name} is in force on host {host}:\n{self.netsh(host, 'ipsec', 'dynamic', 'show', 'status')}")

    def apply(self, host, policy):
        """Imports a document whose one policy is assigned, and waits until it is in force."""
        self.import_policy(host, policy)
        self.wait_in_force(host, policy["assigned"])

    def quick_mode_sas(self, host):
        return [status["sa"] for status in self.show(host, "qmsas")["sas"]]

    def verdict(self, host, name):
        """How many packets the driver has dealt with for this reason."""
        return next(counter["value"] for counter in self.show(host, "stats")["driver"]["verdicts"] if counter["name"] == name)

    def verdicts(self, host):
        """Those that are not 0, by name."""
        return {counter["name"]: counter["value"] for counter in self.show(host, "stats")["driver"]["verdicts"] if counter["value"]}

    def restarts(self, host, service):
        return next(entry["restarts"] for entry in self.show(host, "status")["services"] if entry["name"] == service)

    def first_hold_milliseconds(self, host):
        return self.show(host, "stats")["driver"]["longest_hold_us"] / 1000

    def events(self, host):
        return self.show(host, "events", "count=1000")["events"]

    # ---- traffic ----

    def traffic(self, host, *words, seconds=COMMAND_SECONDS):
        done = self.exec(host, PYTHON, "-B", TRAFFIC, *words, seconds=seconds)
        return json.loads(done.stdout.splitlines()[-1])

    def talker(self, host, *words):
        return Talker(self.command("exec", host, "--", PYTHON, "-B", TRAFFIC, *words))

    def ping(self, source, target, *options, count=3, check=True):
        return self.exec(source, "ping", "-n", "-c", count, "-i", "0.05", "-W", "5", *options, target, check=check)

    def transfer(self, source, target, size, marker, version=4, port=5001):
        """TCP from host to host. Returns (what was sent, what was received)."""
        address = self.address(target, version)
        with self.talker(target, "receive", address, port) as receiver:
            sent = self.traffic(source, "send", address, port, size, marker.hex())
            return sent, receiver.result()

    # ---- the wire ----

    @contextlib.contextmanager
    def capture(self, host):
        """Yields the path; the capture is complete when the block is left."""
        file = self.directory / f"{host}-{secrets.token_hex(4)}.pcap"
        self.run(self.command("capture", "--background", host, file))
        try:
            yield file
        finally:
            self.run(self.command("capture", "--stop", host))
