#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <openssl/x509.h>

#include "services/common/bytes.h"
#include "services/common/result.h"

// Certificate revocation lists as values, and those that are at hand for a check.
namespace ipsec::ike {

class Crl {
 public:
  // DER or PEM; at most kMaxCrlSize.
  static Result<Crl> parse(ByteView octets);
  // Takes a reference of its own.
  static Crl of(X509_CRL* list);

  X509_CRL* get() const { return list_.get(); }
  std::string issuer() const;
  std::string last_update() const;  // "2026-11-30T12:00:00Z"
  std::string next_update() const;  // empty: it does not say
  // Whether this is the time between the two (seconds of Unix time). A list that does not say when the next one comes
  // is never current: it would be believed for ever (CRL-08).
  bool is_current(std::int64_t now) const;
  std::size_t revoked() const;  // how many it names

 private:
  explicit Crl(std::shared_ptr<X509_CRL> list) : list_(std::move(list)) {}

  std::shared_ptr<X509_CRL> list_;
};

// What a check may use, and what asking for more has come to. A snapshot: checks run on other threads.
struct CrlSource {
  std::vector<Crl> lists;
  // Distribution points that are not to be asked (again): what is wrong with each, for people.
  std::map<std::string, std::string> unavailable;
};

}  // namespace ipsec::ike
