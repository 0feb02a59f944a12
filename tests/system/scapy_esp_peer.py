#!/usr/bin/env python3
"""The data path of an ESP peer, by scapy: opens ESP echo requests and answers them under ESP.

  scapy_esp_peer.py INTERFACE KEYS.json COUNT
KEYS.json: {"inbound": {spi, cipher, key, integrity, integrity_key, source, destination, mode}, "outbound": {...}}, keys in hexadecimal.
Prints "ready", then one JSON object: the payloads (hexadecimal) of the echo requests it opened. Ends after COUNT requests.
"""

import json
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import ESP, ICMP, IP, AsyncSniffer, Ether, Raw, SecurityAssociation, sendp  # noqa: E402

CIPHERS = {"AES_CBC": "AES-CBC", "AES_GCM_16": "AES-GCM", "3DES_CBC": "3DES", "NULL": "NULL"}
INTEGRITIES = {"HMAC_SHA1_96": "HMAC-SHA1-96", "HMAC_SHA2_256_128": "SHA2-256-128", "HMAC_SHA2_384_192": "SHA2-384-192",
               "HMAC_SHA2_512_256": "SHA2-512-256", "HMAC_MD5_96": "HMAC-MD5-96"}


def association(entry):
    options = {}
    if entry["mode"] == "tunnel":
        options["tunnel_header"] = IP(src=entry["source"], dst=entry["destination"])
    return SecurityAssociation(
        ESP, spi=entry["spi"], crypt_algo=CIPHERS[entry["cipher"]], crypt_key=bytes.fromhex(entry["key"]),
        auth_algo=INTEGRITIES.get(entry["integrity"]), auth_key=bytes.fromhex(entry["integrity_key"]) or None, **options)


def main():
    interface, keys, count = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8")), int(sys.argv[3])
    inbound, outbound = association(keys["inbound"]), association(keys["outbound"])
    opened = []

    def answer(frame):
        inner = inbound.decrypt(frame[IP], verify=True)
        if ICMP not in inner or inner[ICMP].type != 8:
            return
        opened.append(bytes(inner[ICMP].payload).hex())
        reply = IP(src=inner.dst, dst=inner.src) / ICMP(type=0, id=inner[ICMP].id, seq=inner[ICMP].seq) / Raw(bytes(inner[ICMP].payload))
        sealed = outbound.encrypt(IP(bytes(reply)))
        sendp(Ether(src=frame[Ether].dst, dst=frame[Ether].src) / sealed, iface=interface, verbose=False)

    wanted = keys["inbound"]["spi"]
    sniffer = AsyncSniffer(iface=interface, lfilter=lambda frame: ESP in frame and frame[ESP].spi == wanted, prn=answer,
                           stop_filter=lambda _: len(opened) >= count, started_callback=lambda: print("ready", flush=True))
    sniffer.start()
    sniffer.join(timeout=60)
    print(json.dumps(opened), flush=True)


if __name__ == "__main__":
    main()
