#!/usr/bin/env python3
"""The data path of a peer with many SAs, by scapy: answers echo requests under ESP, AH or both, then asks by itself.

  scapy_matrix_peer.py INTERFACE CELLS.json
CELLS.json: what test_proof_matrix.py makes of the cells of the proof matrix, keys in hexadecimal.
Prints "ready". After the line "ask" on its standard input it sends an echo request for each cell and prints, as one JSON list, the names of
those whose answer came back as it should.
"""

import json
import logging
import os
import select
import socket
import sys
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import AH, ESP, ICMP, IP, Ether, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, Raw, SecurityAssociation  # noqa: E402

CIPHERS = {"AES128": "AES-CBC", "AES192": "AES-CBC", "AES256": "AES-CBC", "3DES": "3DES", "DES": "DES", "NONE": "NULL",
           "AES128-GCM": "AES-GCM", "AES192-GCM": "AES-GCM", "AES256-GCM": "AES-GCM", "CHACHA20-POLY1305": "CHACHA20-POLY1305"}
HASHES = {"MD5": "HMAC-MD5-96", "SHA1": "HMAC-SHA1-96", "SHA256": "SHA2-256-128", "SHA384": "SHA2-384-192", "SHA512": "SHA2-512-256"}
ANSWER_SECONDS = 3
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
LAYER = {4: IP, 6: IPv6}


class AroundEsp:
    """scapy 2.5, asked to sign AH around ESP, would sign that ESP: it gets to see mere octets."""

    def __init__(self, algorithm):
        self.algorithm = algorithm

    def __getattr__(self, name):
        return getattr(self.algorithm, name)

    def sign(self, packet, key, **options):
        inside = bytes(packet[AH].payload)
        packet[AH].remove_payload()
        return self.algorithm.sign(packet / Raw(inside), key, **options)


class Way:
    """One direction of a cell."""

    def __init__(self, cell, way):
        self.version = cell["version"]
        self.source, self.destination = way["source"], way["destination"]
        outer = LAYER[self.version](src=way["outer_source"], dst=way["outer_destination"])
        tunnel = {"tunnel_header": outer} if cell["mode"] == "tunnel" else {}
        self.esp = self.ah = None
        if cell["cipher"]:
            hashed = {"auth_algo": HASHES[cell["hash"]], "auth_key": bytes.fromhex(way["hash_key"])} if cell["hash"] else {}
            self.esp = SecurityAssociation(ESP, spi=way["spi"], crypt_algo=CIPHERS[cell["cipher"]],
                                           crypt_key=bytes.fromhex(way["cipher_key"]) or None, **hashed, **tunnel)
        if cell["ah"]:
            self.ah = SecurityAssociation(AH, spi=way["ah_spi"] or way["spi"], auth_algo=HASHES[cell["ah"]],
                                          auth_key=bytes.fromhex(way["ah_key"]), **({} if self.esp else tunnel))
            if self.esp:
                self.ah.auth_algo = AroundEsp(self.ah.auth_algo)
        # What the receiver sees first.
        self.protocol, self.spi = (51, self.ah.spi) if self.ah else (50, self.esp.spi)

    def protect(self, packet):
        packet = LAYER[self.version](bytes(packet))
        for association in (self.esp, self.ah):
            if association:
                packet = LAYER[self.version](bytes(association.encrypt(packet)))
        return packet

    def open(self, packet):
        for association in (self.ah, self.esp):
            if association:
                packet = LAYER[self.version](bytes(association.decrypt(packet, verify=True)))
        return packet


def echo(version, source, destination, request, identifier, sequence, data):
    if version == 4:
        return IP(src=source, dst=destination) / ICMP(type=8 if request else 0, id=identifier, seq=sequence) / Raw(data)
    kind = ICMPv6EchoRequest if request else ICMPv6EchoReply
    return IPv6(src=source, dst=destination) / kind(id=identifier, seq=sequence, data=data)


def read_echo(packet):
    """(request, identifier, sequence, data), or None."""
    if ICMP in packet and packet[ICMP].type in (0, 8):
        return packet[ICMP].type == 8, packet[ICMP].id, packet[ICMP].seq, bytes(packet[ICMP].payload)
    for kind in (ICMPv6EchoRequest, ICMPv6EchoReply):
        if kind in packet:
            return kind is ICMPv6EchoRequest, packet[kind].id, packet[kind].seq, packet[kind].data
    return None


class Peer:
    def __init__(self, interface, cells):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 0))
        self.own = self.socket.getsockname()[4]
        self.neighbour = None
        self.cells = [(cell["name"], Way(cell, cell["inbound"]), Way(cell, cell["outbound"])) for cell in cells]
        self.by_spi = {(inbound.protocol, inbound.spi): entry for entry in self.cells for inbound in (entry[1],)}

    def send(self, way, packet):
        self.socket.send(bytes(Ether(src=self.own, dst=self.neighbour, type=ETHERTYPE[way.version]) / way.protect(packet)))

    def receive(self):
        """(name of the cell, echo) of a frame of ours; None of any other. Answers requests."""
        frame, address = self.socket.recvfrom(65535)
        if address[2] == socket.PACKET_OUTGOING or len(frame) < 54:
            return None
        version = {value: key for key, value in ETHERTYPE.items()}.get(int.from_bytes(frame[12:14], "big"))
        if version is None:
            return None
        protocol, header = (frame[23], 14 + (frame[14] & 15) * 4) if version == 4 else (frame[20], 54)
        if protocol not in (50, 51):
            return None
        at = header + (4 if protocol == 51 else 0)
        entry = self.by_spi.get((protocol, int.from_bytes(frame[at:at + 4], "big")))
        if entry is None:
            return None
        name, inbound, outbound = entry
        try:
            inner = inbound.open(LAYER[version](frame[14:]))
        except Exception as error:  # whatever scapy finds wrong with it
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            return None
        found = read_echo(inner)
        if found is None or (inner.src, inner.dst) != (inbound.source, inbound.destination):
            print(f"{name}: opened {inner.summary()}", file=sys.stderr, flush=True)
            return None
        self.neighbour = frame[6:12]
        if found[0]:
            self.send(outbound, echo(outbound.version, outbound.source, outbound.destination, False, *found[1:]))
        return name, found

    def ask(self):
        """The names of the cells whose answer is right."""
        answered = []
        for number, (name, _, outbound) in enumerate(self.cells):
            wanted = (False, 4242, number, os.urandom(40 + number % 64))
            self.send(outbound, echo(outbound.version, outbound.source, outbound.destination, True, *wanted[1:]))
            end = time.monotonic() + ANSWER_SECONDS
            while time.monotonic() < end and select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                if self.receive() == (name, wanted):
                    answered.append(name)
                    break
        return answered


def main():
    with open(sys.argv[2], encoding="ascii") as file:
        peer = Peer(sys.argv[1], json.load(file))
    print("ready", flush=True)
    while sys.stdin not in select.select([peer.socket, sys.stdin], [], [])[0]:
        peer.receive()
    sys.stdin.readline()
    print(json.dumps(peer.ask()), flush=True)


if __name__ == "__main__":
    main()
