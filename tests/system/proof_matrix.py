"""The cells of the proof matrix: protocol x mode x algorithms x IP version, with keys by hand.

Every cell has addresses, SPIs and keys of its own, so that all of them are in force side by side: one netsh script and one script of `ip xfrm`
set up hundreds. The "far" side is the peer, "near" is the host under test.
"""

import dataclasses
import hashlib
import random

NEAR, FAR = {4: "10.77.0.1", 6: "fd77::1"}, {4: "10.77.0.9", 6: "fd77::9"}
# Where the traffic of a cell is: one network for each mode and version, the last number is the cell's.
NETWORKS = {("transport", 4): ("10.78.1.{}", "10.78.2.{}"), ("tunnel", 4): ("10.79.1.{}", "10.79.2.{}"),
            ("transport", 6): ("fd78:1::{:x}", "fd78:2::{:x}"), ("tunnel", 6): ("fd79:1::{:x}", "fd79:2::{:x}")}
FIRST_SPI = 0x10000
HASHES = ("MD5", "SHA1", "SHA256", "SHA384", "SHA512")
CIPHER_KEY = {"AES128": 16, "AES192": 24, "AES256": 32, "3DES": 24, "DES": 8, "NONE": 0}
AEAD_KEY = {"AES128-GCM": 20, "AES192-GCM": 28, "AES256-GCM": 36, "CHACHA20-POLY1305": 36}
HASH_KEY = {"MD5": 16, "SHA1": 20, "SHA256": 32, "SHA384": 48, "SHA512": 64, "NONE": 0}

KERNEL_CIPHER = {"AES128": "cbc(aes)", "AES192": "cbc(aes)", "AES256": "cbc(aes)", "3DES": "cbc(des3_ede)", "DES": "cbc(des)",
                 "NONE": "ecb(cipher_null)", "CHACHA20-POLY1305": "rfc7539esp(chacha20,poly1305)",
                 **{name: "rfc4106(gcm(aes))" for name in ("AES128-GCM", "AES192-GCM", "AES256-GCM")}}
KERNEL_HASH = {"MD5": ("hmac(md5)", 96), "SHA1": ("hmac(sha1)", 96), "SHA256": ("hmac(sha256)", 128), "SHA384": ("hmac(sha384)", 192),
               "SHA512": ("hmac(sha512)", 256)}


@dataclasses.dataclass(frozen=True)
class Direction:
    """One SA, or two of a bundle."""

    source: str
    destination: str
    outer_source: str
    outer_destination: str
    spi: int
    ah_spi: int
    cipher_key: bytes
    hash_key: bytes
    ah_key: bytes


@dataclasses.dataclass(frozen=True)
class Cell:
    number: int  # of those of its mode and version
    mode: str
    version: int
    cipher: str  # "": AH alone
    hash: str  # of ESP; "" with an AEAD
    ah: str  # "": ESP alone
    extended: bool = False

    @property
    def method(self):
        esp = f"ESP[{self.cipher}{',' if self.hash else ''}{self.hash}]" if self.cipher else ""
        return "+".join(part for part in (f"AH[{self.ah}]" if self.ah else "", esp) if part)

    def __str__(self):
        return f"{self.method} {self.mode} IPv{self.version}{' ESN' if self.extended else ''}"

    def direction(self, outbound):
        """Outbound: near to far."""
        place = (("transport", 4), ("tunnel", 4), ("transport", 6), ("tunnel", 6)).index((self.mode, self.version))
        near, far = (form.format(self.number) for form in NETWORKS[self.mode, self.version])
        ends = (near, far) if self.mode == "transport" else (NEAR[self.version], FAR[self.version])
        addresses = (near, far, *ends) if outbound else (far, near, *reversed(ends))
        spi = FIRST_SPI + 0x1000 * place + 4 * self.number + (0 if outbound else 1)

        def key(name, size):
            return hashlib.shake_256(f"{self} {spi} {name}".encode()).digest(size)

        ah_only = self.ah and not self.cipher
        return Direction(*addresses, spi, spi + 2 if self.ah and not ah_only else 0,
                         key("cipher", CIPHER_KEY.get(self.cipher, AEAD_KEY.get(self.cipher, 0))), key("hash", HASH_KEY.get(self.hash, 0)),
                         key("ah", HASH_KEY.get(self.ah, 0)))

    @property
    def near(self):
        return self.direction(True).source

    @property
    def far(self):
        return self.direction(True).destination

    @property
    def size(self):
        """Octets of data, another one for each cell: every length of padding comes by."""
        return 56 + self.number * 17 % 1200

    def netsh(self):
        """The lines that set up the near side."""
        lines = []
        for outbound in (True, False):
            way = self.direction(outbound)
            words = [f"srcaddr={way.source}", f"dstaddr={way.destination}", f"spi={way.spi:#x}", f"method={self.method}"]
            if self.mode == "tunnel":
                words += [f"tunnelsrcaddress={way.outer_source}", f"tunneldstaddress={way.outer_destination}"]
            if way.ah_spi:
                words.append(f"ahspi={way.ah_spi:#x}")
            words += [f"{name}={key.hex()}" for name, key in (("enckey", way.cipher_key), ("authkey", way.hash_key), ("ahkey", way.ah_key)) if key]
            lines.append(f"ipsec dynamic add sa {' '.join(words)} esn={'yes' if self.extended else 'no'}")
        return lines

    def kernel(self):
        """Lines for `ip -batch` that set up the far side, a Linux kernel."""
        lines = []
        for outbound in (True, False):
            way = self.direction(outbound)
            outer = f"src {way.outer_source} dst {way.outer_destination}"
            options = f"reqid {way.spi & ~1} replay-window 64{' flag esn' if self.extended else ''}"
            templates = ""
            if self.cipher:
                lines.append(f"xfrm state add {outer} proto esp spi {way.spi:#x} mode {self.mode} {options} {self.kernel_esp(way)}")
                templates += f" tmpl {outer} proto esp mode {self.mode} reqid {way.spi & ~1}"
            if self.ah:
                name, bits = KERNEL_HASH[self.ah]
                mode = "transport" if self.cipher else self.mode
                # Without align4 Linux pads AH in IPv4 to eight octets, as only IPv6 asks for (RFC 4302 3.3.3.2.1).
                align = " flag align4" if self.version == 4 else ""
                lines.append(f"xfrm state add {outer} proto ah spi {way.ah_spi or way.spi:#x} mode {mode} {options}{align}"
                             f" auth-trunc {name} 0x{way.ah_key.hex()} {bits}")
                templates += f" tmpl {outer} proto ah mode {mode} reqid {way.spi & ~1}"
            lines.append(f"xfrm policy add src {way.source} dst {way.destination} dir {'in' if outbound else 'out'}{templates}")
        return lines

    def kernel_esp(self, way):
        if self.cipher in AEAD_KEY:
            return f"aead {KERNEL_CIPHER[self.cipher]} 0x{way.cipher_key.hex()} 128"
        cipher_key = f"0x{way.cipher_key.hex()}" if way.cipher_key else '""'
        if self.hash == "NONE":
            return f'auth-trunc digest_null "" 0 enc {KERNEL_CIPHER[self.cipher]} {cipher_key}'
        name, bits = KERNEL_HASH[self.hash]
        return f"auth-trunc {name} 0x{way.hash_key.hex()} {bits} enc {KERNEL_CIPHER[self.cipher]} {cipher_key}"


def suites():
    """(cipher, hash of ESP, hash of AH, extended) of every kind of cell."""
    esp = [(cipher, name) for cipher in CIPHER_KEY if cipher != "NONE" for name in HASHES] + [(cipher, "") for cipher in AEAD_KEY]
    null = [("NONE", name) for name in HASHES]
    for cipher, name in esp + null:
        yield cipher, name, "", False
    for name in HASHES:
        yield "", "", name, False
    for cipher, name in esp:
        yield cipher, name, "SHA256", False
    for name in HASHES:
        if name != "SHA256":
            yield "AES128", "SHA1", name, False
    yield "AES128", "NONE", "SHA1", False
    yield "AES128", "SHA256", "", True
    yield "AES128-GCM", "", "", True
    yield "", "", "SHA256", True


def all_cells():
    cells = []
    for mode, version in NETWORKS:
        cells += [Cell(number, mode, version, *suite) for number, suite in enumerate(suites(), 1)]
    return cells


def a_few(cells, count, seed):
    """So many of them, chosen by the seed, each kind of protocol, mode and version among them as evenly as can be."""
    kinds = {}
    for cell in cells:
        kinds.setdefault((bool(cell.cipher), bool(cell.ah), cell.cipher == "NONE", cell.mode, cell.version), []).append(cell)
    chooser = random.Random(seed)
    chosen = []
    while len(chosen) < min(count, len(cells)):
        for kind in kinds.values():
            if kind and len(chosen) < count:
                chosen.append(kind.pop(chooser.randrange(len(kind))))
    return chosen
