"""A throw-away certification authority for the certificate directories of a lab's hosts."""

import datetime
import grp
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

IKE_INTERMEDIATE = ObjectIdentifier("1.3.6.1.5.5.8.2.2")
DAY = datetime.timedelta(days=1)


def new_key(kind):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)


def distinguished_name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def write_private(path, content):
    """A file with a secret, as the IKE service accepts it: of root, for root and the group of its account."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    try:
        group = grp.getgrnam("policyagent-ike").gr_gid
    except KeyError:
        return
    os.chown(path, -1, group)
    path.chmod(0o640)


class Issued:
    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Authority(Issued):
    def __init__(self, common_name, parent=None, distribution_point=None):
        key = new_key("rsa")
        self.name = common_name
        self.distribution_point = None
        signer = parent or self
        builder = x509.CertificateBuilder().add_extension(x509.BasicConstraints(True, None), True).add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
        self.certificate, self.key = None, key
        super().__init__(signer.sign(builder, distinguished_name(common_name), key, 1000), key)
        self.distribution_point = distribution_point

    def sign(self, builder, subject, key, days):
        now = datetime.datetime.utcnow()
        if self.distribution_point:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(self.distribution_point)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), False)
        issuer = self.certificate.subject if self.certificate else subject
        return (builder.subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - 2 * DAY).not_valid_after(now + days * DAY).sign(self.key, hashes.SHA256()))

    def issue(self, common_name, kind="rsa", days=30, addresses=()):
        key = new_key(kind)
        builder = (x509.CertificateBuilder().add_extension(x509.BasicConstraints(False, None), True)
                   .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)
                   .add_extension(x509.ExtendedKeyUsage([IKE_INTERMEDIATE]), False))
        if addresses:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]), False)
        return Issued(self.sign(builder, distinguished_name(common_name), key, days), key)

    def revocation_list(self, *revoked, days=7):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject).last_update(now - DAY).next_update(now + days * DAY)
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number).revocation_date(now - DAY).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
