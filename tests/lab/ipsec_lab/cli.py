"""Commands. `main` returns the exit status: 0 done, 1 not done (with the reason on standard error), 2 wrong usage."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys

from ipsec_lab import capture, network, plan, process, services
from ipsec_lab.errors import LabError

HOST_HELP = "name of a host of the lab"


def own_folder():
    return str(pathlib.Path(sys.argv[0]).resolve().parent)


def directory_of(options):
    return pathlib.Path(options.dir).absolute()


def require_root():
    if os.geteuid() != 0:
        raise LabError("network namespaces need root: run this with sudo")


def is_whole(lab):
    """True if the lab is up, all of it."""
    return (lab.state == "up" and lab.boot_id == plan.boot_id() and all(network.is_ours(lab, name) for name in lab.namespaces)
            and (not lab.daemons or all(services.agent_is_alive(lab, host) for host in lab.hosts)))


def remove(lab):
    """Everything that the record names and that is ours. Logs stay. Returns complaints."""
    if process.is_alive(lab.maker) and lab.maker["pid"] != os.getpid() and lab.state == "making":
        process.end(lab.maker, services.STOP_SECONDS, signal.SIGKILL)
    for host in lab.hosts:
        capture.stop(lab, host)
        capture.messages_file(lab, host).unlink(missing_ok=True)
        if network.is_ours(lab, host.namespace):
            services.stop(lab, host)
            process.end_all_in(host.namespace, services.STOP_SECONDS)
    complaints = network.remove(lab)
    for host in lab.hosts:
        for folder in (lab.runtime_dir(host), lab.state_dir(host)):
            shutil.rmtree(folder, ignore_errors=True)
        services.pid_file(lab, host).unlink(missing_ok=True)
    if not complaints:
        (lab.directory / plan.RECORD).unlink(missing_ok=True)
    return complaints


def clear_away(directory):
    """What a dead lab left in this folder; refuses a live one."""
    old = plan.load(directory)
    if old is None:
        return
    if process.is_alive(old.maker) and old.state == "making":
        raise LabError(f"process {old.maker['pid']} is making a lab in {directory}")
    if is_whole(old):
        raise LabError(f"a lab is up in {directory}: `ipsec-lab down --dir {directory}` first")
    complaints = remove(old)
    if complaints:
        raise LabError("; ".join(complaints))


def stop_on_signals():
    def interrupted(number, _):
        raise LabError(f"ended by {signal.Signals(number).name}")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupted)


def up(options):
    require_root()
    directory = directory_of(options)
    if options.behind and not options.nat:
        raise LabError("--behind needs --nat")
    inside = options.behind or (options.hosts[:1] if options.nat else [])
    lab = plan.plan(directory, options.hosts, inside, options.nat, options.daemons, os.path.abspath(options.bin or own_folder()),
                    options.nic, process.identity(os.getpid()))
    if lab.daemons:
        for program in services.PROGRAMS.values():
            lab.program(program)
    directory.mkdir(parents=True, exist_ok=True)
    with plan.Lock(directory):
        clear_away(directory)
        stop_on_signals()
        lab.save()
        try:
            for host in lab.hosts:
                services.make_folder(lab, host)
            network.make(lab)
            if lab.daemons:
                services.start(lab, lab.hosts)
            lab.state = "up"
            lab.save()
        except BaseException:
            if not options.keep:
                remove(lab)
            raise
    for host in lab.hosts:
        print(f"{host.name}: {host.ipv4} {host.ipv6}")
    return 0


def down(options):
    require_root()
    directory = directory_of(options)
    if plan.load(directory) is None:
        print(f"no lab in {directory}")
        return 0
    # An `up` that is under way holds the lock; it is ended first.
    lab = plan.load(directory)
    if lab.state == "making":
        process.end(lab.maker, services.STOP_SECONDS)
    with plan.Lock(directory):
        lab = plan.load(directory)
        complaints = remove(lab) if lab else []
    for complaint in complaints:
        print(f"ipsec-lab: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def words_after_dashes(words, what):
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise LabError(f"{what} is missing")
    return words


def namespace_and_environment(lab, name):
    """Besides the hosts, `@wire` and `@nat` name the namespaces in between."""
    if name == "@wire":
        return lab.wire, dict(os.environ)
    if name == "@nat":
        if not lab.nat:
            raise LabError("this lab has no NAT box: it was made without --nat")
        return lab.nat, dict(os.environ)
    host = lab.host(name)
    return host.namespace, services.environment(lab, host)


def execute(options):
    lab = plan.load_or_fail(directory_of(options))
    require_root()
    command = words_after_dashes(options.command, "the command")
    namespace, environment = namespace_and_environment(lab, options.host)
    os.execvpe("ip", ["ip", "netns", "exec", namespace, *command], environment)


def netsh(options):
    lab = plan.load_or_fail(directory_of(options))
    require_root()
    host = lab.host(options.host)
    arguments = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    os.execvpe("ip", ["ip", "netns", "exec", host.namespace, lab.program("netsh"), *arguments], services.environment(lab, host))


def capture_command(options):
    lab = plan.load_or_fail(directory_of(options))
    require_root()
    host = lab.host(options.host)
    if options.stop:
        dropped = capture.stop(lab, host)
        if dropped is None:
            raise LabError(f"host {host.name} is not being captured")
        if dropped:
            raise LabError(f"the capture lacks {dropped} packets: the kernel had no buffer left for them")
        return 0
    if options.file is None:
        raise LabError("the file to write is missing")
    if options.background:
        capture.start(lab, host, options.file)
        return 0
    return capture.foreground(lab, host, options.file)


def chosen(lab, names):
    return [lab.host(name) for name in names] or lab.hosts


def start(options):
    lab = plan.load_or_fail(directory_of(options))
    require_root()
    with plan.Lock(lab.directory):
        services.start(lab, chosen(lab, options.hosts))
    return 0


def stop(options):
    lab = plan.load_or_fail(directory_of(options))
    require_root()
    with plan.Lock(lab.directory):
        for host in chosen(lab, options.hosts):
            services.stop(lab, host)
    return 0


def kill(options):
    lab = plan.load_or_fail(directory_of(options))
    require_root()
    try:
        number = signal.Signals[f"SIG{options.signal.upper().removeprefix('SIG')}"]
    except KeyError:
        raise LabError(f"--signal {options.signal}: a name such as KILL, TERM, STOP or CONT") from None
    print(services.send_signal(lab, lab.host(options.host), options.service, number))
    return 0


def host_status(lab, host):
    running = {service: {"pid": services.pid(lab, host, service)} for service in services.PROGRAMS}
    return {"name": host.name, "number": host.number, "namespace": host.namespace, "interface": "eth0", "mac": host.mac, "ipv4": host.ipv4,
            "ipv6": host.ipv6, "behind_nat": host.inside, "port": host.port, "runtime_dir": str(lab.runtime_dir(host)),
            "state_dir": str(lab.state_dir(host)), "log": str(lab.log(host)), "services": running,
            "captured": capture.running(lab, host) is not None}


def status_object(lab):
    return {"format": plan.FORMAT, "dir": str(lab.directory), "state": "up" if is_whole(lab) else "broken" if lab.state == "up" else lab.state,
            "bin": lab.bin, "daemons": lab.daemons, "wire": {"namespace": lab.wire, "bridge": plan.BRIDGE, "mtu": plan.MTU},
            "nat": {"namespace": lab.nat, "outside": f"10.77.0.{plan.NAT_NUMBER}", "inside": f"10.77.1.{plan.NAT_NUMBER}",
                    "inside_bridge": plan.INSIDE_BRIDGE} if lab.nat else None,
            "hosts": [host_status(lab, host) for host in lab.hosts]}


def status(options):
    lab = plan.load_or_fail(directory_of(options))
    found = status_object(lab)
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    print(f"{found['dir']}: {found['state']}; wire: {plan.BRIDGE} in namespace {lab.wire}" + (f"; NAT box: namespace {lab.nat}" if lab.nat else ""))
    for host in found["hosts"]:
        running = ", ".join(f"{name} {entry['pid']}" if entry["pid"] else f"{name} not running" for name, entry in host["services"].items())
        print(f"  {host['name']}: {host['ipv4']} {host['ipv6']}, namespace {host['namespace']}, {running if lab.daemons else 'no daemons'}"
              + (", behind the NAT box" if host["behind_nat"] else ""))
    return 0


def parser():
    top = argparse.ArgumentParser(prog="ipsec-lab", description="A throw-away network of hosts in network namespaces, each with its own policy "
                                  "agent, IKE service and IPsec driver, joined by a bridge. Host N is 10.77.0.N and fd77::N on eth0.")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name, function, help_text):
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.add_argument("--dir", required=True, metavar="D", help="folder of the lab: its record lab.json, and D/HOST for each host")
        command.set_defaults(function=function)
        return command

    command = add("up", up, "Makes the hosts and starts their daemons.")
    command.add_argument("--nat", action="store_true", help="puts a masquerading box between two segments; see --behind")
    command.add_argument("--behind", action="append", default=[], metavar="HOST",
                         help="host behind the NAT box, 10.77.1.N (repeatable; default: the first host)")
    command.add_argument("--no-daemons", dest="daemons", action="store_false", help="makes the network only")
    command.add_argument("--bin", metavar="DIR", help="folder of the daemons (default: where ipsec-lab is)")
    command.add_argument("--nic", action="append", metavar="NAME", default=[], help="passed to the agents (repeatable)")
    command.add_argument("--keep", action="store_true", help="leaves what was made when something fails, to be looked at")
    command.add_argument("hosts", nargs="+", metavar="HOST", help="names: 1 to 10 of a-z and 0-9, beginning with a letter")

    command = add("exec", execute, "Runs a command in a host, with netsh and the daemons on its PATH.")
    command.add_argument("host", metavar="HOST", help=HOST_HELP + ", or @wire, or @nat")
    command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD...")

    command = add("netsh", netsh, "Runs netsh against a host's agent.")
    command.add_argument("host", metavar="HOST", help=HOST_HELP)
    command.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS...")

    command = add("capture", capture_command, "Captures what crosses a host's wire into a pcap file, until it is stopped (Ctrl-C).")
    command.add_argument("--background", action="store_true", help="returns as soon as packets are captured; ended by --stop or `down`")
    command.add_argument("--stop", action="store_true", help="ends a background capture once it has written every packet seen so far")
    command.add_argument("host", metavar="HOST", help=HOST_HELP)
    command.add_argument("file", metavar="FILE", nargs="?")

    command = add("start", start, "Starts the agents of hosts (all by default) that were stopped or killed.")
    command.add_argument("hosts", nargs="*", metavar="HOST", help=HOST_HELP)
    command = add("stop", stop, "Ends the daemons of hosts (all by default); the network stays.")
    command.add_argument("hosts", nargs="*", metavar="HOST", help=HOST_HELP)

    command = add("kill", kill, "Sends a signal to one daemon of a host and prints its pid; with KILL it returns when the daemon is gone.")
    command.add_argument("--signal", default="KILL", metavar="NAME", help="default KILL")
    command.add_argument("host", metavar="HOST", help=HOST_HELP)
    command.add_argument("service", choices=sorted(services.PROGRAMS))

    command = add("status", status, "Shows hosts, addresses, namespaces and daemons.")
    command.add_argument("--json", action="store_true", help="one JSON object")

    add("down", down, "Ends the daemons and removes what the lab made; logs stay in D/HOST.")
    return top


def main():
    options = parser().parse_args()
    try:
        return options.function(options)
    except LabError as error:
        print(f"ipsec-lab: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"ipsec-lab: {error}", file=sys.stderr)
        return 1
