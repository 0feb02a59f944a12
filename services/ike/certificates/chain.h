#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "services/ike/certificates/certificate.h"
#include "services/ike/certificates/revocation.h"

// Building and verifying the path from a certificate to a trusted root (RFC 5280 section 6, by OpenSSL).
namespace ipsec::ike {

struct ChainTerms {
  std::int64_t now = 0;         // seconds of Unix time
  std::uint32_t crl_level = 1;  // 0..2 (CRL-01 to CRL-03)
  bool windows2003 = false;     // also signatures by MD5 and SHA-1, and keys below 1024 bits, above the end certificate
};

struct Chain {
  // The end certificate first; the last one is the root where `problems` is empty, otherwise as far as it went.
  std::vector<Certificate> certificates;
  std::vector<std::string> problems;  // why it is not trusted; empty: it is
  // About revocation, level 1 and 2 only; meaningful where it is trusted. The root cannot revoke itself and is left
  // out.
  std::vector<std::string> revoked;
  std::vector<std::string> unchecked;  // for which of its certificates nothing can be said, and why
  std::vector<std::string> wanted;     // distribution points (http) whose lists would say more
};

// All borrowed. `intermediates` are trusted with nothing; only paths that end in one of `roots` are.
Chain build_chain(const Certificate& end, std::span<const Certificate> intermediates,
                  std::span<const Certificate> roots, const CrlSource& crls, const ChainTerms& terms);

}  // namespace ipsec::ike
