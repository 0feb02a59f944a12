#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ipseccmd.h"

// The values of ipseccmd's options, as far as they are not those of netsh (reference, section 11). Pure.
namespace ipsec::cli {

// Always at least one part.
std::vector<std::string_view> split_at(std::string_view text, char separator);
std::string to_upper(std::string_view text);
// SHA is netsh's SHA1.
std::string with_sha1(std::string text);

// "ESP[3DES,SHA]3600S/50000KP2" in the form of netsh, with what `P` says.
struct IpseccmdOffer {
  std::string netsh;
  std::optional<DhGroup> pfs_group;
};
Result<IpseccmdOffer> parse_ipseccmd_offer(std::string_view word);

}  // namespace ipsec::cli
