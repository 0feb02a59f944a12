"""The daemons of a host: the agent, which the lab starts, and the driver and IKE, which the agent starts."""

import json
import os
import shutil
import signal
import socket
import subprocess

from ipsec_lab import process
from ipsec_lab.errors import LabError

PROGRAMS = {"agent": "policyagentd", "driver": "ipsec-driverd", "ike": "ipsec-iked"}
# A sanitizer build on a busy machine of two cores takes seconds to start three daemons.
START_SECONDS = 60
# Beside a host's logs; read at the next start of its agent where it is there.
CONFIGURATION = "policyagent.conf"
STOP_SECONDS = 20
LOG_LINES_SHOWN = 15


def environment(lab, host):
    path = os.pathsep.join([lab.bin, os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")])
    return {**os.environ, "PATH": path, "POLICYAGENT_RUNTIME_DIR": str(lab.runtime_dir(host)), "IPSEC_LAB_HOST": host.name}


def pid_file(lab, host):
    return lab.folder(host) / "agent.pid"


def recorded_agent(lab, host):
    try:
        return json.loads(pid_file(lab, host).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def agent_is_alive(lab, host):
    return process.is_alive(recorded_agent(lab, host))


def pids(lab, host, service):
    """Of the service in this host's namespace, the oldest first; looked up now, because the agent restarts what dies."""
    found = [pid for pid in process.in_namespace(host.namespace) if process.program_of(pid) == PROGRAMS[service]]
    return sorted(found, key=lambda pid: process.start_time(pid) or 0)


def pid(lab, host, service):
    found = pids(lab, host, service)
    return found[0] if found else 0


def clear_folder(lab, host):
    """A lab begins without the state of an earlier one."""
    for folder in (lab.runtime_dir(host), lab.state_dir(host), lab.certificate_dir(host)):
        shutil.rmtree(folder, ignore_errors=True)
    for log in lab.folder(host).glob("*.log"):
        log.unlink()


def make_folder(lab, host):
    lab.folder(host).mkdir(mode=0o755, exist_ok=True)
    clear_folder(lab, host)
    lab.runtime_dir(host).mkdir(mode=0o750)
    lab.state_dir(host).mkdir(mode=0o700)
    for folder in ("own", "roots", "intermediates", "crls"):
        (lab.certificate_dir(host) / folder).mkdir(mode=0o755, parents=True)


def agent_command(lab, host):
    nics = [word for nic in lab.nics for word in ("--nic", nic)]
    configuration = lab.folder(host) / CONFIGURATION
    configured = ["--config", str(configuration)] if configuration.exists() else []
    return ["ip", "netns", "exec", host.namespace, lab.program(PROGRAMS["agent"]), "--runtime-dir", str(lab.runtime_dir(host)),
            "--state-dir", str(lab.state_dir(host)), "--certificate-directory", str(lab.certificate_dir(host)), *configured, *nics]


def launch(lab, host):
    """Starts the agent and records it. `ip netns exec` becomes the agent, so the pid stays."""
    if agent_is_alive(lab, host):
        raise LabError(f"the agent of host {host.name} runs already")
    with open(lab.log(host), "ab") as log:
        started = subprocess.Popen(agent_command(lab, host), env=environment(lab, host), stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, cwd=lab.folder(host), start_new_session=True)
    pid_file(lab, host).write_text(json.dumps(process.identity(started.pid)), encoding="ascii")
    return started


def answers(lab, host):
    """True if somebody accepts connections on the agent's socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(lab.runtime_dir(host) / "policyagent.sock"))
        except OSError:
            return False
    return True


def end_of_log(lab, host):
    try:
        lines = lab.log(host).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join("  " + line for line in lines[-LOG_LINES_SHOWN:]) or "  (nothing)"


def wait_ready(lab, host, started):
    ready = process.wait_until(lambda: answers(lab, host) or started.poll() is not None, START_SECONDS)
    if started.poll() is not None:
        raise LabError(f"the agent of host {host.name} ended with status {started.returncode}; the end of {lab.log(host)}:\n"
                       f"{end_of_log(lab, host)}")
    if not ready:
        raise LabError(f"the agent of host {host.name} does not answer after {START_SECONDS} s; the end of {lab.log(host)}:\n"
                       f"{end_of_log(lab, host)}")


def start(lab, hosts):
    started = [(host, launch(lab, host)) for host in hosts]
    for host, child in started:
        wait_ready(lab, host, child)


def stop(lab, host):
    """Ends the agent as an administrator would, and then whatever of the host is still there."""
    agent = recorded_agent(lab, host)
    if process.is_alive(agent):
        # It may have been stopped (SIGSTOP) by a test.
        os.kill(agent["pid"], signal.SIGCONT)
        process.end(agent, STOP_SECONDS)
    for service in ("ike", "driver"):
        for left in pids(lab, host, service):
            process.end(process.identity(left), STOP_SECONDS)
    pid_file(lab, host).unlink(missing_ok=True)


def send_signal(lab, host, service, number):
    found = pid(lab, host, service)
    if found == 0:
        raise LabError(f"{PROGRAMS[service]} of host {host.name} does not run")
    with process.Target(found) as target:
        if found not in pids(lab, host, service):
            raise LabError(f"{PROGRAMS[service]} of host {host.name} ended meanwhile")
        target.signal(number)
        if number == signal.SIGKILL and not target.ended_within(STOP_SECONDS):
            raise LabError(f"{PROGRAMS[service]} of host {host.name}, pid {found}, does not end")
    return found
