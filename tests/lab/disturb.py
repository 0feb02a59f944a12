#!/usr/bin/python3
"""A bad cable, for kernels without netem. Run in the namespace of the wire: `ipsec-lab exec --dir D @wire -- python3 disturb.py PORT BRIDGE SEED
[LOSS DUPLICATE REORDER]`. Takes the port out of the bridge and carries its frames by hand, both ways: some are lost, some come twice, some come
late (percent, default 5 5 10). Prints "ready"; SIGHUP makes it carry everything as it comes, again back to bad; SIGTERM plugs the port in again
and prints one JSON object with what was done to how many frames."""

import contextlib
import heapq
import json
import random
import select
import signal
import socket
import subprocess
import sys
import time

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23  # linux/if_packet.h
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
BUFFER = 16 << 20
LARGEST_FRAME = 10 + 14 + 65536  # virtio header, Ethernet header, a super-packet
LATEST_SECONDS = 0.03
NEAR, FAR = "disturb-near", "disturb-far"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def spliced(port, bridge):
    """The port's place in the bridge is taken by one end of a pair; this program stands between the other end and the port."""
    ip("link", "add", NEAR, "type", "veth", "peer", "name", FAR)
    try:
        for name in (NEAR, FAR):
            ip("link", "set", name, "up")
        ip("link", "set", FAR, "master", bridge)
        ip("link", "set", port, "nomaster")
        ip("link", "set", port, "promisc", "on")
        yield
    finally:
        ip("link", "set", port, "promisc", "off")
        ip("link", "set", port, "master", bridge)
        ip("link", "del", NEAR)


def end(name):
    """Frames with the virtio header in front, so that checksums which the sender has left to the card stay so."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    opened.bind((name, ETH_P_ALL))
    opened.setblocking(False)
    return opened


class Cable:
    def __init__(self, seed, loss, duplicate, reorder):
        self.random = random.Random(int(seed))
        self.shares = {"lost": float(loss), "duplicated": float(duplicate), "late": float(reorder)}
        self.counts = {"carried": 0, **dict.fromkeys(self.shares, 0)}
        self.bad = True
        self.late = []  # (time, number, socket, frame)

    def happens(self, what):
        if not self.bad or self.random.uniform(0, 100) >= self.shares[what]:
            return False
        self.counts[what] += 1
        return True

    def carry(self, frame, to):
        self.counts["carried"] += 1
        if self.happens("lost"):
            return
        for _ in range(2 if self.happens("duplicated") else 1):
            if self.happens("late"):
                heapq.heappush(self.late, (time.monotonic() + self.random.uniform(0, LATEST_SECONDS), self.counts["carried"], id(frame), to, frame))
            else:
                put(to, frame)

    def deliver_late(self):
        while self.late and self.late[0][0] <= time.monotonic():
            *_, to, frame = heapq.heappop(self.late)
            put(to, frame)

    def patience(self):
        return max(0.0, self.late[0][0] - time.monotonic()) if self.late else 1.0


def put(to, frame):
    with contextlib.suppress(OSError):  # a full queue, or a frame larger than the far end takes: lost, as on any cable
        to.send(frame)


def main(port, bridge, seed, loss="5", duplicate="5", reorder="10"):
    cable, stopping = Cable(seed, loss, duplicate, reorder), []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    signal.signal(signal.SIGHUP, lambda *_: setattr(cable, "bad", not cable.bad))
    with spliced(port, bridge), end(port) as inside, end(NEAR) as outside:
        other = {inside: outside, outside: inside}
        print("ready", flush=True)
        while not stopping:
            for source in select.select([inside, outside], [], [], cable.patience())[0]:
                with contextlib.suppress(BlockingIOError):
                    for _ in range(64):
                        cable.carry(source.recv(LARGEST_FRAME), other[source])
            cable.deliver_late()
    print(json.dumps(cable.counts), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
