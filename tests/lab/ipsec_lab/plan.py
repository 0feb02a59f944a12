"""What a lab is made of, and its record D/lab.json. The record is written before anything is made, so that whatever ends `up`,
`down` knows every name that may exist."""

import dataclasses
import fcntl
import json
import os
import pathlib
import re
import secrets

from ipsec_lab.errors import LabError

FORMAT = "ipsec-lab/1"
RECORD = "lab.json"
BRIDGE = "br0"
INSIDE_BRIDGE = "br1"  # the segment behind the NAT box
MTU = 1500
NAT_NUMBER = 254  # host part of the NAT box on both segments
MAX_HOSTS = 200   # leaves .201 to .253 for foreign peers on the wire
HOST_NAME = re.compile(r"[a-z][a-z0-9]{0,9}")
# sockaddr_un.sun_path is 108 bytes with its zero byte.
UNIX_PATH_LIMIT = 107
LONGEST_SOCKET = "policyagent.sock"


@dataclasses.dataclass
class Host:
    name: str
    number: int      # N of 10.77.0.N
    namespace: str
    inside: bool     # behind the NAT box

    @property
    def segment(self):
        return 1 if self.inside else 0

    @property
    def ipv4(self):
        return f"10.77.{self.segment}.{self.number}"

    @property
    def ipv6(self):
        return f"fd77:1::{self.number:x}" if self.inside else f"fd77::{self.number:x}"

    @property
    def mac(self):
        return f"02:77:00:00:{self.segment:02x}:{self.number:02x}"

    @property
    def port(self):
        """The bridge side of the host's eth0, in the wire namespace."""
        return f"p{self.number}"


@dataclasses.dataclass
class Lab:
    directory: pathlib.Path
    token: str             # also written into every namespace the lab makes: only those are ever removed
    boot_id: str
    state: str             # "making", "up"
    maker: dict            # pid and start time of the `up` that makes it
    daemons: bool
    bin: str
    nics: list
    wire: str              # namespace of the bridges
    nat: str               # namespace of the NAT box, "" without
    hosts: list

    @property
    def namespaces(self):
        return [host.namespace for host in self.hosts] + ([self.nat] if self.nat else []) + [self.wire]

    def host(self, name):
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"no host '{name}' in {self.directory}; there are: {', '.join(h.name for h in self.hosts)}")

    def folder(self, host):
        return self.directory / host.name

    def runtime_dir(self, host):
        return self.folder(host) / "run"

    def state_dir(self, host):
        return self.folder(host) / "state"

    def certificate_dir(self, host):
        return self.folder(host) / "ike"

    def log(self, host):
        return self.folder(host) / "policyagentd.log"

    def program(self, name):
        """Programs stand in one folder in a build tree, in bin and sbin once installed."""
        for folder in (self.bin, os.path.join(os.path.dirname(self.bin), "sbin")):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                return path
        raise LabError(f"{name} is not in {self.bin}: build it, or name its folder with `up --bin DIR`")

    def save(self):
        record = dataclasses.asdict(self)
        record["format"] = FORMAT
        del record["directory"]
        path = self.directory / RECORD
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, path)


def boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def plan(directory, names, inside, nat, daemons, bin_directory, nics, maker):
    """A lab that is not yet made. `inside`: names of hosts behind the NAT box."""
    for name in names:
        if not HOST_NAME.fullmatch(name):
            raise LabError(f"host name '{name}': 1 to 10 characters, a-z and 0-9, beginning with a letter")
        if names.count(name) > 1:
            raise LabError(f"host name '{name}' is given twice")
    if not 1 <= len(names) <= MAX_HOSTS:
        raise LabError(f"{len(names)} hosts: 1 to {MAX_HOSTS} are possible")
    for name in inside:
        if name not in names:
            raise LabError(f"--behind {name}: no such host; there are: {', '.join(names)}")
    socket_path = str(directory / max(names, key=len) / "run" / LONGEST_SOCKET)
    if len(os.fsencode(socket_path)) > UNIX_PATH_LIMIT:
        raise LabError(f"{socket_path} has {len(os.fsencode(socket_path))} bytes; a unix socket may have {UNIX_PATH_LIMIT}: "
                       f"choose a shorter --dir")
    token = secrets.token_hex(4)
    hosts = [Host(name, number, f"lab-{token}-{name}", name in inside) for number, name in enumerate(names, 1)]
    return Lab(directory, token, boot_id(), "making", maker, daemons, bin_directory, nics, f"lab-{token}-wire",
               f"lab-{token}-nat" if nat else "", hosts)


def load(directory):
    """The lab recorded in `directory`, or None."""
    path = pathlib.Path(directory) / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise LabError(f"{path} is not a lab's record: {error}") from error
    try:
        if record.pop("format") != FORMAT:
            raise KeyError("format")
        record["hosts"] = [Host(**host) for host in record["hosts"]]
        return Lab(directory=pathlib.Path(directory), **record)
    except (KeyError, TypeError) as error:
        raise LabError(f"{path} is not a record of format {FORMAT}: {error}") from error


def load_or_fail(directory):
    lab = load(directory)
    if lab is None:
        raise LabError(f"no lab in {directory}: make one with `ipsec-lab up --dir {directory} HOST...`")
    return lab


class Lock:
    """Commands that change a lab exclude each other."""

    def __init__(self, directory):
        self.path = pathlib.Path(directory) / ".lock"

    def __enter__(self):
        # Daemons that we start must not inherit the lock; Python opens close-on-exec.
        self.file = open(self.path, "w", encoding="ascii")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.file.close()
