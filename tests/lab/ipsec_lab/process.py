"""Processes: which one is meant, and ending exactly that one."""

import os
import pathlib
import select
import signal
import subprocess
import time

from ipsec_lab.errors import LabError

POLL_SECONDS = 0.02


def run(arguments, text_input=None):
    """Runs to the end; what the program said is in the error if it fails."""
    try:
        done = subprocess.run(arguments, input=text_input, text=True, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{arguments[0]} is not installed; the packages are in installer/packages.txt, section lab") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"`{' '.join(arguments)}` failed with status {done.returncode}: {said}")
    return done.stdout


def wait_until(condition, seconds):
    """True as soon as `condition()` is; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def start_time(pid):
    """Clock ticks after boot, or None if there is no such process (a zombie counts as none)."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def identity(pid):
    return {"pid": pid, "start": start_time(pid)}


def is_alive(recorded):
    """`recorded` is an identity(): the start time tells a process from a later one with its pid."""
    return bool(recorded) and recorded["start"] is not None and start_time(recorded["pid"]) == recorded["start"]


class Target:
    """A process held by a pidfd, so that a signal can never reach a later process of the same pid."""

    def __init__(self, pid):
        self.pid = pid
        self.descriptor = os.pidfd_open(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def signal(self, number):
        try:
            signal.pidfd_send_signal(self.descriptor, number)
        except ProcessLookupError:
            pass

    def ended_within(self, seconds):
        return bool(select.select([self.descriptor], [], [], seconds)[0])


def end(recorded, seconds, first_signal=signal.SIGTERM):
    """Ends the recorded process if it is still that one; SIGKILL after `seconds`."""
    if not is_alive(recorded):
        return
    try:
        with Target(recorded["pid"]) as target:
            if not is_alive(recorded):
                return
            target.signal(first_signal)
            if not target.ended_within(seconds):
                target.signal(signal.SIGKILL)
                target.ended_within(seconds)
    except ProcessLookupError:
        return


def namespace_inode(path):
    status = os.stat(path)
    return (status.st_dev, status.st_ino)


def in_namespace(namespace):
    """Pids of the processes whose network namespace is the one bound to this name."""
    try:
        wanted = namespace_inode(f"/run/netns/{namespace}")
    except OSError:
        return []
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if namespace_inode(f"/proc/{entry}/ns/net") == wanted and start_time(entry) is not None:
                found.append(int(entry))
        except OSError:
            continue
    return found


def end_all_in(namespace, seconds):
    """Ends whatever runs in a namespace of the lab: daemons that outlived their agent, commands of `exec`."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGCONT, 0), (signal.SIGKILL, seconds)):
        for pid in in_namespace(namespace):
            try:
                with Target(pid) as target:
                    # Asked again with the pidfd in hand: now it cannot be another process of the same pid.
                    if pid in in_namespace(namespace):
                        target.signal(number)
            except ProcessLookupError:
                continue
        if wait_until(lambda: not in_namespace(namespace), patience):
            return
    raise LabError(f"processes {in_namespace(namespace)} in namespace {namespace} do not end")


def program_of(pid):
    """The name the process was started by, without its folder; "" if it is gone."""
    try:
        first = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return ""
    return os.path.basename(os.fsdecode(first))
