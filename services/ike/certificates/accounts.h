#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/common/result.h"
#include "services/ike/certificates/certificate.h"

// Whom a rule with "certmap:yes" lets in: a list of identities, in the place of the documented mapping of certificates
// to computer accounts and their logon rights (AUC-26 to AUC-29).
namespace ipsec::ike {

class AccountList {
 public:
  // One "allow NAME" or "deny NAME" in a line; NAME is a subject ("CN=a, O=X"), a host name, a mail address or an IP
  // address. Lines may be empty or begin with '#'. The refusal names the line.
  static Result<AccountList> parse(std::string_view text);

  // The certificate must have an allowed name, and no denied one. The refusal names what decided.
  Status admit(const Certificate& certificate) const;

 private:
  struct Entry {
    bool allow = false;
    std::string name;
  };
  static bool names(const Entry& entry, const Certificate& certificate);

  std::vector<Entry> entries_;
};

}  // namespace ipsec::ike
