"""A virtual machine with Debian's own kernel, so that ESP is that of a real Linux whatever the host's kernel has.

It is QEMU without hardware acceleration (a test machine is often a virtual one itself, where KVM does not boot a stock kernel). Its root is an
initramfs of the host's busybox, iproute2 and strongSwan and of the modules named here; the kernel's package is fetched and unpacked, never
installed. Its network interface is a tap on the lab's bridge. Commands go over a virtio serial port: no policy can lock the test out, and they
add no packets to the wire.
"""

import base64
import fcntl
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from lab import TOP

METAPACKAGE = "linux-image-cloud-amd64"
FILES = pathlib.Path(__file__).parent / "kernel_guest"
CACHE = TOP / "build" / "kernel-guest"
MEMORY_MEGABYTES = 384
BOOT_SECONDS = 90

# Modules by name; what they depend on comes along. The ciphers are those of the tests' suites. drbg makes the IVs and tests itself with
# ctr and sha512.
MODULES = ("virtio_pci virtio_net virtio_console xfrm_user esp4 esp6 ah4 ah6 crypto_null ctr gcm ghash_generic des_generic sha512_generic md5"
           " chacha_generic poly1305_generic chacha20poly1305 authenc authencesn drbg echainiv seqiv netlink_diag tcp_diag").split()
# dash, because busybox's own shell would take its small "ip" for iproute2's. glibc loads libgcc_s by itself when a thread of charon ends.
PROGRAMS = ("/usr/sbin/charon-systemd", "/usr/sbin/swanctl", "/usr/sbin/ip", "/usr/bin/ss", "/usr/bin/dash", "/lib/x86_64-linux-gnu/libgcc_s.so.1")
PLUGINS = pathlib.Path("/usr/lib/ipsec/plugins")


class Unavailable(unittest.SkipTest):
    """The guest cannot be made on this machine; the text says what is missing."""


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options).stdout


def kernel_package():
    """Name of the package with the kernel, which its metapackage depends on."""
    found = re.search(r"Depends: (linux-image-\S+-cloud-amd64)$", output("apt-cache", "depends", METAPACKAGE), re.MULTILINE)
    if not found:
        raise Unavailable(f"apt knows no {METAPACKAGE}: the lists of a Debian 12 are needed (apt-get update)")
    return found.group(1)


def unpacked_kernel():
    """Folder with boot/ and lib/modules/ of the kernel's package; fetched once."""
    try:
        name = kernel_package()
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = CACHE / name
            if not folder.exists():
                with tempfile.TemporaryDirectory(dir=CACHE) as new:
                    output("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name, cwd=new, timeout=300)
                    [package] = pathlib.Path(new).glob("*.deb")
                    output("dpkg-deb", "-x", str(package), f"{new}/root")
                    os.rename(f"{new}/root", folder)
            return folder
    except FileNotFoundError as error:
        raise Unavailable(f"a program is missing: {error.filename}") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"the kernel's package cannot be had: {error}\n{error.stdout}") from error


def modules_in_order(kernel, names):
    """Files of the modules and of all they depend on, each after what it needs. What is built into the kernel has no file."""
    files = {path.stem.replace("-", "_"): path for path in kernel.glob("lib/modules/*/kernel/**/*.ko")}
    [listed] = kernel.glob("lib/modules/*/modules.builtin")
    builtin = {pathlib.Path(line).stem.replace("-", "_") for line in listed.read_text().split()}
    order = []

    def add(name):
        if name in builtin:
            return
        if name not in files:
            raise AssertionError(f"{kernel.name} has no module {name}")
        if files[name] in order:
            return
        for needed in re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes()).group(1).decode().split(","):
            if needed:
                add(needed.replace("-", "_"))
        order.append(files[name])

    for name in names:
        add(name)
    return order


def libraries(*programs):
    """Shared libraries the programs need, the loader included."""
    return set(re.findall(r"(/\S+) \(0x", output("ldd", *programs)))


def guest_plugins():
    """Files of the plugins that the guest's strongswan.conf loads."""
    lines = re.findall(r"^\s*load = (.*)$", (FILES / "strongswan.conf").read_text(), re.MULTILINE)
    return sorted({str(PLUGINS / f"libstrongswan-{name}.so") for line in lines for name in line.split()})


def guest_files(kernel):
    """Path in the guest -> file of the host, or bytes."""
    programs = [*PROGRAMS, *guest_plugins()]
    busybox = shutil.which("busybox")
    missing = [path for path in programs if not os.path.exists(path)] + ([] if busybox else ["busybox"])
    if missing:
        raise Unavailable(f"not installed: {' '.join(missing)} (see the section test of installer/packages.txt)")
    modules = modules_in_order(kernel, MODULES)
    files = {path: pathlib.Path(path) for path in {*programs, *libraries(*programs)}}
    files.update({f"/modules/{module.name}": module for module in modules})
    files["/modules/order"] = "".join(f"{module.name}\n" for module in modules).encode()
    files["/bin/busybox"] = pathlib.Path(busybox)
    files["/init"] = FILES / "init"
    files["/etc/strongswan.conf"] = FILES / "strongswan.conf"
    files["/etc/passwd"] = b"root:x:0:0:root:/root:/bin/sh\n"
    files["/etc/group"] = b"root:x:0:\n"
    return files


def write_initramfs(files, archive):
    """A cpio archive in the "newc" format (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst), not compressed."""
    with open(archive, "wb") as out:
        def entry(name, mode, content=b""):
            raw = name.encode() + b"\0"
            numbers = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(raw), 0]
            header = b"070701" + b"".join(b"%08x" % number for number in numbers) + raw
            out.write(header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4))

        folders = {str(parent) for path in files for parent in pathlib.PurePath(path).parents} - {"/"}
        for folder in sorted(folders | {"/dev"}):
            entry(folder[1:], stat.S_IFDIR | 0o755)
        for path, content in sorted(files.items()):
            entry(path[1:], stat.S_IFREG | 0o755, content if isinstance(content, bytes) else content.read_bytes())
        entry("TRAILER!!!", 0)


class KernelGuest:
    """A running guest; stop() ends it. Its console's output is in DIRECTORY/console."""

    # Packets are whole and have their checksums on the wire, so that a capture shows what the guest's kernel made.
    CARD = "virtio-net-pci,netdev=wire,romfile=,csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off," \
           "host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off"

    def __init__(self, wire_namespace, directory, address, length=24):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        kernel = unpacked_kernel()
        [image] = kernel.glob("boot/vmlinuz-*")
        write_initramfs(guest_files(kernel), self.directory / "initramfs")
        self.tap = tap = f"q{os.getpid()}"  # its port of the bridge
        self.control, guest_end = socket.socketpair()
        with guest_end:
            self.process = self.start(wire_namespace, tap, image, f"{address}/{length}", guest_end.fileno())
        try:
            self.await_ready(time.monotonic() + BOOT_SECONDS, lambda: self.plug(wire_namespace, tap))
        except BaseException:
            self.stop()
            raise

    def start(self, wire_namespace, tap, image, address, control):
        if not shutil.which("qemu-system-x86_64"):
            raise Unavailable("not installed: qemu-system-x86 (see the section test of installer/packages.txt)")
        with open(self.directory / "qemu.log", "wb") as log:
            # The machine and its tap end with this process even if it is killed.
            return subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{wire_namespace}", "setpriv", "--pdeathsig", "KILL",
                 "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", str(MEMORY_MEGABYTES), "-nodefaults", "-display", "none", "-no-reboot",
                 "-kernel", str(image), "-initrd", str(self.directory / "initramfs"),
                 # no_timer_check: on a busy host the emulated timer ticks too late for that check, and the kernel would give up.
                 "-append", f"console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off no_timer_check guest_address={address}",
                 "-serial", f"file:{self.directory / 'console'}",
                 "-netdev", f"tap,id=wire,ifname={tap},script=no,downscript=no,vhost=off", "-device", self.CARD,
                 "-device", "virtio-serial-pci", "-chardev", f"socket,id=control,fd={control}", "-device", "virtserialport,chardev=control",
                 "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"],
                pass_fds=[control], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    @staticmethod
    def plug(wire_namespace, tap):
        return subprocess.run(["ip", "-n", wire_namespace, "link", "set", tap, "master", "br0", "up"], stderr=subprocess.DEVNULL).returncode == 0

    def await_ready(self, end, plug):
        plugged = False
        while time.monotonic() < end:
            plugged = plugged or plug()
            if self.process.poll() is not None:
                raise AssertionError(f"the guest ended while it booted\n{self.logs()}")
            if plugged:
                try:
                    line = self.read_line(end)
                except TimeoutError:
                    break
                if line == b"ready":
                    return
                raise AssertionError(f"the guest said {line!r}\n{self.logs()}")
            time.sleep(0.05)
        raise AssertionError(f"the guest did not come up in {BOOT_SECONDS} s\n{self.logs()}")

    def logs(self):
        return "".join(f"---- {name}\n" + (self.directory / name).read_text(errors="replace")
                       for name in ("qemu.log", "console") if (self.directory / name).exists())

    def read_line(self, end):
        line = bytearray()
        while not line.endswith(b"\n"):
            self.control.settimeout(max(end - time.monotonic(), 0.001))
            part = self.control.recv(65536)
            if not part:
                raise AssertionError(f"the guest has ended\n{self.logs()}")
            line += part
        return bytes(line[:-1])

    def exec(self, command, check=True, timeout=60):
        """Standard output and error of a shell command in the guest, which is killed after TIMEOUT seconds (exit status 143)."""
        self.control.settimeout(timeout)
        self.control.sendall(f"{timeout} {base64.b64encode(command.encode()).decode()}\n".encode())
        try:
            status, _, text = self.read_line(time.monotonic() + timeout + 20).partition(b" ")
        except TimeoutError as error:
            raise AssertionError(f"the guest gives no answer to: {command}\n{self.logs()}") from error
        text = base64.b64decode(text).decode(errors="replace")
        if check and status != b"0":
            raise AssertionError(f"in the guest: {command}: exit {status.decode()}\n{text}")
        return text

    def stop(self):
        self.control.close()
        self.process.kill()
        self.process.wait()
