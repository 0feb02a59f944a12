"""Namespaces and wires.

    host a            host b              wire namespace: br0 (and br1)      NAT box (--nat)
    eth0 10.77.0.1    eth0 10.77.0.2      p1  p2  n0 | n1  p3 ...            out 10.77.0.254, in 10.77.1.254
      '-----------------'-------------------'---'---'   '---'---- hosts behind it: 10.77.1.N
"""

import json
import os
import subprocess

from ipsec_lab import plan, process
from ipsec_lab.errors import LabError

MARK = "ipsec-lab "  # beginning of the alias of lo in a namespace that a lab made


def mark(lab):
    return MARK + lab.token


def exists(namespace):
    return os.path.exists(f"/run/netns/{namespace}")


def is_ours(lab, namespace):
    """True if the namespace of this name carries the lab's mark."""
    done = subprocess.run(["ip", "-netns", namespace, "-json", "link", "show", "dev", "lo"], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        return False
    return json.loads(done.stdout)[0].get("ifalias") == mark(lab)


def make_namespace(lab, namespace):
    # Marked before it gets its name: a namespace with the name and without the mark is never one of ours.
    process.run(["unshare", "--net", "sh", "-ec", 'ip link set dev lo alias "$1" up; exec ip netns attach "$2" $$', "sh", mark(lab),
                 namespace])


def remove_namespace(lab, namespace):
    """Returns a complaint if the namespace is there but is not ours, else None."""
    if not exists(namespace):
        return None
    if not is_ours(lab, namespace):
        if os.path.ismount(f"/run/netns/{namespace}") or os.path.getsize(f"/run/netns/{namespace}") != 0:
            return f"namespace {namespace} was not made by this lab and stays"
        os.unlink(f"/run/netns/{namespace}")  # the mount point of an `up` that was killed in between
        return None
    process.run(["ip", "netns", "delete", namespace])
    return None


def batch(namespace, lines):
    process.run(["ip", "-netns", namespace, "-batch", "-"], "\n".join(lines) + "\n")


def set_sysctls(namespace, settings):
    """Through a shell in the namespace: /proc/sys/net shows the namespace of who opens it."""
    script = "".join(f"echo {value} > /proc/sys/net/{key.replace('.', '/')}\n" for key, value in settings.items())
    process.run(["ip", "netns", "exec", namespace, "sh", "-ec", script])


def make_wire(lab):
    make_namespace(lab, lab.wire)
    # The bridge itself stays silent: what a capture shows comes from the hosts.
    set_sysctls(lab.wire, {"ipv6.conf.default.disable_ipv6": 1, "ipv6.conf.all.disable_ipv6": 1})
    bridges = [plan.BRIDGE] + ([plan.INSIDE_BRIDGE] if lab.nat else [])
    for bridge in bridges:
        batch(lab.wire, [f"link add {bridge} type bridge forward_delay 0 mcast_snooping 0", f"link set {bridge} mtu {plan.MTU} up"])


def plug(lab, port, bridge, namespace, interface, mac):
    """A cable from `interface` in `namespace` to a port of the bridge."""
    batch(lab.wire, [
        f"link add {port} type veth peer name {interface} netns {namespace}",
        f"link set {port} mtu {plan.MTU} master {bridge} up",
    ])
    batch(namespace, [f"link set {interface} address {mac} mtu {plan.MTU} up"])


def quiet_ipv6(namespace):
    set_sysctls(namespace, {"ipv6.conf.default.accept_ra": 0, "ipv6.conf.all.accept_ra": 0, "ipv6.conf.default.accept_dad": 0,
                            "ipv6.conf.all.accept_dad": 0})


def make_host(lab, host):
    make_namespace(lab, host.namespace)
    quiet_ipv6(host.namespace)
    plug(lab, host.port, plan.INSIDE_BRIDGE if host.inside else plan.BRIDGE, host.namespace, "eth0", host.mac)
    lines = [f"address add {host.ipv4}/24 dev eth0", f"address add {host.ipv6}/64 dev eth0 nodad"]
    if host.inside:
        lines += [f"route add default via 10.77.1.{plan.NAT_NUMBER}", f"route add default via fd77:1::{plan.NAT_NUMBER:x}"]
    elif lab.nat:
        # IPv6 is routed by the box, not translated.
        lines += [f"route add fd77:1::/64 via fd77::{plan.NAT_NUMBER:x}"]
    batch(host.namespace, lines)


NAT_RULES = """
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "out" masquerade
  }
}
"""


def make_nat_box(lab):
    make_namespace(lab, lab.nat)
    quiet_ipv6(lab.nat)
    number = plan.NAT_NUMBER
    plug(lab, "n0", plan.BRIDGE, lab.nat, "out", f"02:77:00:00:00:{number:02x}")
    plug(lab, "n1", plan.INSIDE_BRIDGE, lab.nat, "in", f"02:77:00:00:01:{number:02x}")
    batch(lab.nat, [f"address add 10.77.0.{number}/24 dev out", f"address add 10.77.1.{number}/24 dev in",
                    f"address add fd77::{number:x}/64 dev out nodad", f"address add fd77:1::{number:x}/64 dev in nodad"])
    set_sysctls(lab.nat, {"ipv4.ip_forward": 1, "ipv6.conf.all.forwarding": 1})
    process.run(["ip", "netns", "exec", lab.nat, "nft", "-f", "-"], NAT_RULES)


def make(lab):
    for namespace in lab.namespaces:
        if exists(namespace):
            raise LabError(f"a namespace {namespace} exists already")
    make_wire(lab)
    if lab.nat:
        make_nat_box(lab)
    for host in lab.hosts:
        make_host(lab, host)


def remove(lab):
    """Removes every namespace of the lab that exists and is ours. Returns complaints."""
    complaints = [remove_namespace(lab, namespace) for namespace in lab.namespaces]
    return [complaint for complaint in complaints if complaint]
