#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/algorithms.h"
#include "services/common/result.h"

// The method grammars of `mmsecmethods` and `qmsecmethods` (reference, section 3), with our ciphers, hashes and groups
// beside the documented ones. Pure.
namespace ipsec::cli {

struct MainModeOffer {
  Cipher cipher = Cipher::kTripleDes;
  Integrity integrity = Integrity::kSha1;
  DhGroup group = DhGroup::kModp2048;
  friend bool operator==(const MainModeOffer&, const MainModeOffer&) = default;
};

struct QuickModeOffer {
  std::optional<Integrity> ah;
  std::optional<Cipher> cipher;                // of ESP; absent: no ESP
  Integrity esp_integrity = Integrity::kNone;  // counts only with ESP
  std::uint32_t kilobytes = 0;
  std::uint32_t seconds = 0;
  friend bool operator==(const QuickModeOffer&, const QuickModeOffer&) = default;
};

// `Conf-Hash-Group`, separated by blanks, at least one: "3DES-SHA1-2 AES256-SHA256-14".
Result<std::vector<MainModeOffer>> parse_main_mode_methods(std::string_view text);

// `ESP[Conf,Auth]`, `AH[Hash]` or `AH[Hash]+ESP[Conf,Auth]`, each with an optional `:kbk/secs`, separated by blanks, at
// least one. An authenticated cipher stands alone: `ESP[AES128-GCM]`. A lifetime not stated gets its default.
Result<std::vector<QuickModeOffer>> parse_quick_mode_methods(std::string_view text);

// One method without a lifetime, for a manual SA: also with the ciphers and hashes that IKEv1 does not negotiate.
Result<std::vector<QuickModeOffer>> parse_manual_method(std::string_view text);

// "1", "2", "3" (the documented numbers: 3 is the 2048-bit group, IANA 14), an IANA number or a name of the registry.
std::optional<DhGroup> parse_dh_group(std::string_view text);

// What the two parsers accept, for messages and help.
std::string accepted_main_mode_methods();
std::string accepted_quick_mode_methods();
std::string accepted_dh_groups();

// The forms the parsers take: "3DES-SHA1-2", "AH[SHA1]+ESP[3DES,None]:100000k/3600s".
std::string to_string(const MainModeOffer& offer);
std::string to_string(const QuickModeOffer& offer);

}  // namespace ipsec::cli
