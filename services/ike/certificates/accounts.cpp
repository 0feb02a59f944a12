#include "services/ike/certificates/accounts.h"

#include <algorithm>

#include "services/common/address.h"
#include "services/ike/certificates/identity_match.h"
#include "services/ike/certificates/limits.h"

namespace ipsec::ike {

namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

IdentificationPayload as_identity(const std::string& text) {
  if (const auto address = IpAddress::parse(text); address.ok()) {
    const ByteView octets = address->bytes();
    return {address->is_v4() ? IdentityType::kIpv4Address : IdentityType::kIpv6Address,
            0,
            0,
            {octets.begin(), octets.end()}};
  }
  const bool is_mail = text.find('@') != std::string::npos;
  return {is_mail ? IdentityType::kUserFqdn : IdentityType::kFqdn, 0, 0, {text.begin(), text.end()}};
}

}  // namespace

Result<AccountList> AccountList::parse(std::string_view text) {
  AccountList list;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t blank = std::min(line.find_first_of(kBlanks), line.size());
    const std::string_view word = line.substr(0, blank);
    const std::string name(trimmed(line.substr(blank)));
    if ((word != "allow" && word != "deny") || name.empty())
      return invalid(fmt::format("line {}: 'allow NAME' or 'deny NAME' is accepted", number));
    if (name.find('=') != std::string::npos) {
      if (const auto parsed = DistinguishedName::from_text(name); !parsed.ok())
        return with_context(parsed.status(), fmt::format("line {}", number));
    }
    if (list.entries_.size() == kMaxAccounts) return exhausted(fmt::format("more than {} names", kMaxAccounts));
    list.entries_.push_back({word == "allow", name});
  }
  return list;
}

bool AccountList::names(const Entry& entry, const Certificate& certificate) {
  if (entry.name.find('=') == std::string::npos) return match_identity(certificate, as_identity(entry.name)).ok();
  const auto name = DistinguishedName::from_text(entry.name);
  return name.ok() && name->same_in_any_order(certificate.subject());
}

Status AccountList::admit(const Certificate& certificate) const {
  const Entry* allowed = nullptr;
  for (const Entry& entry : entries_) {
    if (!names(entry, certificate)) continue;
    if (!entry.allow) return refused(fmt::format("the list of accounts denies '{}'", entry.name));
    if (allowed == nullptr) allowed = &entry;
  }
  if (allowed != nullptr) return {};
  return refused(fmt::format("{} is not in the list of accounts", certificate.to_string()));
}

}  // namespace ipsec::ike
