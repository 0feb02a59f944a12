#!/usr/bin/python3
"""Traffic between lab hosts, run there by `ipsec-lab exec`. Each command prints one JSON object when it is done; those that wait for a
peer first print a line "ready". Data is full of a marker, so that any packet of it in clear is found in a capture.

    traffic.py receive ADDRESS PORT                 one TCP connection, until its end
    traffic.py send ADDRESS PORT BYTES MARKER       TCP; MARKER is hexadecimal
    traffic.py echo ADDRESS PORT                    answers UDP datagrams until it is ended
    traffic.py ask ADDRESS PORT SIZE COUNT MARKER   UDP datagrams to `echo`, one at a time; counts right answers
    traffic.py connect ADDRESS PORT SECONDS         tries a TCP connection and says what came of it
    traffic.py stream ADDRESS PORT SECONDS [SIZE] [INTERVAL]
                                                    numbered UDP datagrams to `echo` at a steady rate; tells what was lost and the longest gap
    traffic.py number ADDRESS PORT SECONDS MARKER [SIZE] [INTERVAL]
                                                    numbered UDP datagrams whose content follows from number and MARKER, to `sink`; goes on
                                                    when the network is away, and ends with datagrams that say so
    traffic.py sink ADDRESS PORT MARKER SECONDS     until such an end, or SECONDS at most: which numbers came, came twice, came wrong
"""

import hashlib
import json
import os
import select
import socket
import struct
import sys
import time

BLOCK = 1 << 20
MARKER_EVERY = 64
ASK_SECONDS = 10       # for the answer to one datagram; the first waits for a negotiation
LAST_ANSWERS_SECONDS = 5
BUFFER = 64 << 20
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python does not name it
IDLE_SECONDS = 60      # a connection that stands still this long has failed


def say(**facts):
    print(json.dumps(facts), flush=True)


def ready():
    print("ready", flush=True)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def marked_block(marker, size):
    """Random data with the marker every 64 bytes."""
    data = bytearray(os.urandom(size))
    for place in range(0, size - len(marker) + 1, MARKER_EVERY):
        data[place:place + len(marker)] = marker
    return bytes(data)


def make_room(connection):
    """What is lost shall be lost on the way, not because this program waits for its turn on a busy machine."""
    connection.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)


def receive(address, port):
    with socket.create_server((address, int(port)), family=family(address)) as server:
        ready()
        connection, _ = server.accept()
        connection.settimeout(IDLE_SECONDS)
        digest, size, began = hashlib.sha256(), 0, time.monotonic()
        while data := connection.recv(BLOCK):
            digest.update(data)
            size += len(data)
    say(bytes=size, sha256=digest.hexdigest(), seconds=time.monotonic() - began)


def send(address, port, size, marker):
    block = marked_block(bytes.fromhex(marker), BLOCK)
    left, digest = int(size), hashlib.sha256()
    with socket.create_connection((address, int(port)), timeout=IDLE_SECONDS) as connection:
        began = time.monotonic()
        while left:
            part = block[:left] if left < BLOCK else block
            connection.sendall(part)
            digest.update(part)
            left -= len(part)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # the other side closes when it has everything
    say(bytes=int(size), sha256=digest.hexdigest(), seconds=time.monotonic() - began)


def echo(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as server:
        make_room(server)
        server.bind((address, int(port)))
        ready()
        while True:
            data, sender = server.recvfrom(65535)
            server.sendto(data, sender)


def ask(address, port, size, count, marker):
    right = 0
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        client.connect((address, int(port)))
        client.settimeout(ASK_SECONDS)
        for _ in range(int(count)):
            question = marked_block(bytes.fromhex(marker), int(size))
            client.send(question)
            try:
                right += client.recv(65535) == question
            except OSError:
                break
    say(asked=int(count), right=right)


def connect(address, port, seconds):
    began = time.monotonic()
    try:
        socket.create_connection((address, int(port)), timeout=float(seconds)).close()
        outcome = "connected"
    except TimeoutError:
        outcome = "timed out"
    except ConnectionRefusedError:
        outcome = "refused by the host"
    except OSError as error:
        outcome = error.strerror or str(error)
    say(outcome=outcome, seconds=time.monotonic() - began)


def stream(address, port, seconds, size="200", interval="0.005"):
    """Sends at a steady rate and never waits for an answer; what is lost or late shows as a gap."""
    head, sent, seen, longest = struct.Struct("!Q"), 0, set(), 0.0
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        make_room(client)
        client.connect((address, int(port)))
        ready()
        began = last = time.monotonic()
        end, patience = began + float(seconds), began + float(seconds) + LAST_ANSWERS_SECONDS
        while (now := time.monotonic()) < end or (len(seen) < sent and now < patience):
            due = began + sent * float(interval)
            if now < end and now >= due:
                client.send(head.pack(sent) + bytes(int(size) - head.size))
                sent += 1
                continue
            wait = max(0.0, due - now) if now < end else patience - now
            if select.select([client], [], [], wait)[0]:
                try:
                    seen.add(head.unpack(client.recv(65535)[:head.size])[0])
                except OSError:
                    continue
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
    say(sent=sent, answered=len(seen), longest_gap_seconds=longest)


HEAD = struct.Struct("!Q")
END = (1 << 64) - 1
ENDS_SENT = 20


def numbered(number, marker, size):
    """The one datagram of this number: nothing of it can be taken for another's."""
    head = HEAD.pack(number)
    return (head + marker + hashlib.shake_128(head + marker).digest(int(size)))[:int(size)]


def number(address, port, seconds, marker, size="1200", interval="0.001"):
    marker, sent, unsent = bytes.fromhex(marker), 0, 0
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        ready()
        began = time.monotonic()
        while (now := time.monotonic()) < began + float(seconds):
            due = began + (sent + unsent) * float(interval)
            if now < due:
                time.sleep(due - now)
            try:
                client.sendto(numbered(sent, marker, size), (address, int(port)))
                sent += 1
            except OSError:
                unsent += 1
        for _ in range(ENDS_SENT):
            try:
                client.sendto(numbered(END, marker, size), (address, int(port)))
            except OSError:
                pass
            time.sleep(0.2)
    say(sent=sent, unsent=unsent)


def sink(address, port, marker, seconds):
    marker, seen, twice, wrong = bytes.fromhex(marker), set(), 0, 0
    with socket.socket(family(address), socket.SOCK_DGRAM) as server:
        make_room(server)
        server.bind((address, int(port)))
        server.settimeout(1)
        ready()
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            try:
                data = server.recv(65535)
            except OSError:
                continue
            value = HEAD.unpack(data[:HEAD.size])[0] if len(data) >= HEAD.size else 0
            if data != numbered(value, marker, len(data)):
                wrong += 1
            elif value == END:
                break
            elif value in seen:
                twice += 1
            else:
                seen.add(value)
    say(received=len(seen), twice=twice, wrong=wrong, last=max(seen, default=-1))


COMMANDS = {"number": number, "sink": sink, "receive": receive, "send": send, "echo": echo, "ask": ask, "connect": connect, "stream": stream}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
