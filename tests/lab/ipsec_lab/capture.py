"""tcpdump on the wire side of a host's cable: it sees what really leaves and reaches the host."""

import json
import os
import re
import signal
import subprocess

from ipsec_lab import process
from ipsec_lab.errors import LabError

# KiB of kernel buffer: 100 MB transfers must not lose packets in the capture, or "no clear payload" would prove little.
BUFFER_KIB = 65536
START_SECONDS = 20
DRAIN_SECONDS = 10
COUNTS = re.compile(r"(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped")


def command(lab, host, file):
    # Not in immediate mode: that gives every packet a slot of the size of the largest one, and loses packets of a fast transfer.
    # -Z root: tcpdump would else drop its rights and with them the right to write where the user said.
    return ["ip", "netns", "exec", lab.wire, "tcpdump", "-Z", "root", "-n", "-U", "-s", "0", "-B", str(BUFFER_KIB), "-i", host.port, "-w", file]


def record_file(lab, host):
    return lab.directory / f"capture-{host.name}.json"


def messages_file(lab, host):
    return lab.directory / f"capture-{host.name}.log"


def running(lab, host):
    try:
        recorded = json.loads(record_file(lab, host).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return recorded if process.is_alive(recorded) else None


def messages(lab, host):
    return messages_file(lab, host).read_text(encoding="utf-8", errors="replace")


def foreground(lab, host, file):
    arguments = command(lab, host, file)
    os.execvp(arguments[0], arguments)


def start(lab, host, file):
    """Returns when packets are being captured."""
    if running(lab, host):
        raise LabError(f"host {host.name} is being captured already: end that with `capture --dir {lab.directory} {host.name} --stop`")
    with open(messages_file(lab, host), "wb") as log:
        child = subprocess.Popen(command(lab, host, os.path.abspath(file)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 start_new_session=True)
    record_file(lab, host).write_text(json.dumps(process.identity(child.pid)), encoding="ascii")
    process.wait_until(lambda: child.poll() is not None or "listening on" in messages(lab, host), START_SECONDS)
    if child.poll() is not None or "listening on" not in messages(lab, host):
        stop(lab, host)
        raise LabError(f"tcpdump did not start: {messages(lab, host).strip()}")


def everything_read(lab, host, target):
    """Asks tcpdump for its counts (SIGUSR1); true when it has read whatever the kernel has taken for it."""
    asked = len(COUNTS.findall(messages(lab, host)))
    target.signal(signal.SIGUSR1)
    process.wait_until(lambda: len(COUNTS.findall(messages(lab, host))) > asked, 1)
    counts = COUNTS.findall(messages(lab, host))
    if len(counts) <= asked:
        return False
    captured, received, dropped = map(int, counts[-1])
    return captured + dropped >= received


def stop(lab, host):
    """Returns the packets that the kernel dropped for want of buffer, or None if nothing ran."""
    recorded = running(lab, host)
    if not recorded:
        record_file(lab, host).unlink(missing_ok=True)
        return None
    try:
        with process.Target(recorded["pid"]) as target:
            process.wait_until(lambda: everything_read(lab, host, target) or target.ended_within(0), DRAIN_SECONDS)
    except ProcessLookupError:
        pass
    process.end(recorded, DRAIN_SECONDS, signal.SIGINT)
    record_file(lab, host).unlink(missing_ok=True)
    dropped = re.findall(r"(\d+) packets? dropped by kernel", messages(lab, host))
    return int(dropped[-1]) if dropped else 0
