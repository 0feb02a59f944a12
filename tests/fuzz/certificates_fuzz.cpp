#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "services/ike/certificates/accounts.h"
#include "services/ike/certificates/authentication.h"
#include "services/ike/certificates/container.h"
#include "services/ike/certificates/identity_match.h"
#include "tests/ike/certificates/test_authority.h"

// CERT and CERTREQ payloads, identities and signatures of a peer, and the texts of administrators. The first octet
// chooses.
namespace {

using namespace ipsec;
using namespace ipsec::ike;

void require(bool condition) {
  if (!condition) std::abort();
}

void look_at(const Certificate& certificate) {
  certificate.to_string();
  certificate.alternative_names();
  certificate.extended_key_usages();
  certificate.distribution_points();
  certificate.is_ike_intermediate();
  certificate.not_after();
  if (const auto identity = identity_of(certificate); identity.ok()) {
    match_identity(certificate, *identity).ok();
    identity_text(*identity);
  }
}

void claim(const Bytes& body) {
  if (const auto read = read_certificates(std::vector<Bytes>{body}); read.ok()) {
    require(!read->empty());
    for (const Certificate& each : *read) look_at(each);
    const auto again = read_certificates(std::vector<Bytes>{write_certificates(*read)});
    require(again.ok() && again->size() == read->size());
  }
  PeerClaim peer;
  peer.terms.authorities = {{"CN=Root", false, false}};
  peer.identity = {IdentityType::kDistinguishedName, 0, 0, body};
  peer.certificates = {body};
  peer.hash = Bytes(32);
  peer.signature = body;
  const auto result = verify_peer(peer, CertificateStore(), CrlSource(), 1'800'000'000);
  require(std::holds_alternative<Refusal>(result));
}

// What a peer sends whose certificates are real, but for a few octets: pairs of a place and its new value.
Bytes nearly_real(ByteView changes) {
  static const Bytes real = [] {
    tests::TestAuthority root("CN=Root");
    tests::TestAuthority between(root, "CN=Between");
    tests::CertificateOptions options;
    options.key = "ec:P-256";
    options.alternative_names = "DNS:a.example.org,IP:10.0.0.1,email:x@example.org";
    options.distribution_points = "URI:http://crl.example.org/root.crl";
    return write_certificates({between.issue(options).certificate, between.certificate()});
  }();
  Bytes body = real;
  ByteReader in(changes);
  // Many changes leave nothing real.
  for (int change = 0; change < 4; ++change) {
    const auto place = in.read_u16();
    const auto value = in.read_u8();
    if (place && value) body[*place % body.size()] = *value;
  }
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes body(data + 1, data + size);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      claim(body);
      break;
    case 1:
      if (const auto name = DistinguishedName::from_der(body); name.ok()) {
        require(DistinguishedName::from_der(name->der()).ok());
        name->to_string();
      }
      read_requests(std::vector<Bytes>{body});
      break;
    case 2:
      if (const auto name = DistinguishedName::from_text(text); name.ok()) {
        // What is printed means the same.
        const auto again = DistinguishedName::from_text(name->to_string());
        if (again.ok()) require(again->same_in_any_order(*name));
      }
      break;
    case 3:
      claim(nearly_real(body));
      break;
    default:
      AccountList::parse(text).ok();
      Crl::parse(body).ok();
  }
  return 0;
}
