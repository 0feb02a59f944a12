#include "cli/methods.h"

#include <charconv>

#include "cli/limits.h"
#include "cli/words.h"

namespace ipsec::cli {

namespace {

// The documented number of the 2048-bit group; IANA calls it 14 and gives 3 to a group that nobody uses.
constexpr std::uint16_t kDocumentedHighGroup = 3;

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const std::size_t length = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return parts;
}

template <typename Number>
std::optional<Number> read_number(std::string_view digits) {
  Number value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

template <typename Rows, typename Predicate>
std::string names(const Rows& rows, Predicate wanted) {
  std::string text;
  for (const auto& row : rows) {
    if (!wanted(row)) continue;
    if (!text.empty()) text += '|';
    text += row.name;
  }
  return text;
}

bool fits_main_mode(const CipherInfo& row) { return row.ike_number != 0; }
bool is_hash(const IntegrityInfo& row) { return row.id != Integrity::kNone; }

std::string main_mode_ciphers() { return names(all_ciphers(), fits_main_mode); }
std::string esp_ciphers() {
  return names(all_ciphers(), [](const CipherInfo&) { return true; });
}
std::string hashes() { return names(all_integrities(), is_hash); }

// What the names in a method mean.
struct Names {
  std::optional<Cipher> (*cipher)(std::string_view);
  std::optional<Integrity> (*integrity)(std::string_view);
};
constexpr Names kNegotiated{cipher_by_name, integrity_by_name};
constexpr Names kManual{manual_cipher_by_name, manual_integrity_by_name};

Result<Integrity> parse_hash(std::string_view text, std::string_view method, bool none_allowed,
                             const Names& known = kNegotiated) {
  const auto hash = known.integrity(text);
  if (hash && (none_allowed || *hash != Integrity::kNone)) return *hash;
  return invalid(
      fmt::format("'{}' in '{}' is no hash; expected {}{}", text, method, hashes(), none_allowed ? "|NONE" : ""));
}

Result<MainModeOffer> parse_main_mode_method(std::string_view method) {
  const auto parts = split(method, "-");
  if (parts.size() != 3) {
    return invalid(
        fmt::format("'{}' is not Conf-Hash-Group; expected for example 3DES-SHA1-2 or AES256-SHA256-14", method));
  }
  const auto cipher = cipher_by_name(parts[0]);
  if (!cipher || !fits_main_mode(info(*cipher))) {
    return invalid(
        fmt::format("'{}' in '{}' is no main mode cipher; expected {}", parts[0], method, main_mode_ciphers()));
  }
  IPSEC_ASSIGN_OR_RETURN(const Integrity hash, parse_hash(parts[1], method, false));
  const auto group = parse_dh_group(parts[2]);
  if (!group) {
    return invalid(
        fmt::format("'{}' in '{}' is no Diffie-Hellman group; expected {}", parts[2], method, accepted_dh_groups()));
  }
  return MainModeOffer{*cipher, hash, *group};
}

// Takes "NAME[...]" off the front of `text`; nullopt if it does not begin so.
std::optional<std::string_view> take_brackets(std::string_view& text, std::string_view name) {
  if (!is_abbreviation(text.substr(0, name.size()), name) || text.size() <= name.size()) return std::nullopt;
  if (text[name.size()] != '[') return std::nullopt;
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(name.size() + 1, close - name.size() - 1);
  text.remove_prefix(close + 1);
  return inside;
}

Status parse_esp(std::string_view inside, std::string_view method, const Names& known, QuickModeOffer& offer) {
  const std::size_t comma = inside.find(',');
  offer.cipher = known.cipher(inside.substr(0, comma));
  if (!offer.cipher) {
    return invalid(
        fmt::format("'{}' in '{}' is no cipher; expected {}", inside.substr(0, comma), method, esp_ciphers()));
  }
  const bool is_aead = info(*offer.cipher).is_aead();
  if (comma != std::string_view::npos) {
    IPSEC_ASSIGN_OR_RETURN(offer.esp_integrity, parse_hash(inside.substr(comma + 1), method, true, known));
  } else if (!is_aead) {
    return invalid(fmt::format("'{}' names no hash; expected ESP[Conf,Auth]", method));
  }
  if (is_aead && offer.esp_integrity != Integrity::kNone) {
    return invalid(fmt::format("'{}': {} authenticates by itself; expected ESP[{}]", method, info(*offer.cipher).name,
                               info(*offer.cipher).name));
  }
  if (*offer.cipher == Cipher::kNull && offer.esp_integrity == Integrity::kNone) {
    return invalid(fmt::format("'{}' protects nothing; give a cipher or a hash", method));
  }
  return {};
}

Status parse_life_part(std::string_view part, std::string_view method, QuickModeOffer& offer) {
  const char unit = part.empty() ? ' ' : to_lower(part.substr(part.size() - 1))[0];
  const auto value = read_number<std::uint32_t>(part.substr(0, part.empty() ? 0 : part.size() - 1));
  const bool is_kilobytes = unit == 'k';
  const std::uint32_t low = is_kilobytes ? kFewestKilobytes : kFewestSeconds;
  const std::uint32_t high = is_kilobytes ? kMostKilobytes : kMostSeconds;
  std::uint32_t& target = is_kilobytes ? offer.kilobytes : offer.seconds;
  if ((!is_kilobytes && unit != 's') || !value || target != 0) {
    return invalid(fmt::format("'{}' in '{}' is no lifetime; expected KBk/SECs, KBk or SECs", part, method));
  }
  if (*value < low || *value > high) {
    return invalid(fmt::format("'{}' in '{}' is out of range; expected {} to {} {}", part, method, low, high,
                               is_kilobytes ? "kilobytes" : "seconds"));
  }
  target = *value;
  return {};
}

Status parse_life(std::string_view life, std::string_view method, QuickModeOffer& offer) {
  const auto parts = split(life, "/");
  if (parts.empty() || parts.size() > 2) {
    return invalid(fmt::format("'{}' in '{}' is no lifetime; expected KBk/SECs, KBk or SECs", life, method));
  }
  for (const std::string_view part : parts) IPSEC_RETURN_IF_ERROR(parse_life_part(part, method, offer));
  return {};
}

Result<QuickModeOffer> parse_method(std::string_view method, const Names& known) {
  const Status misshapen =
      invalid(fmt::format("'{}' is no method; expected {}", method, accepted_quick_mode_methods()));
  QuickModeOffer offer;
  std::string_view rest = method;
  if (const auto hash = take_brackets(rest, "AH")) {
    IPSEC_ASSIGN_OR_RETURN(offer.ah, parse_hash(*hash, method, false, known));
    if (rest.starts_with('+')) {
      rest.remove_prefix(1);
      if (!is_abbreviation(rest.substr(0, 3), "ESP")) return misshapen;
    }
  }
  if (const auto inside = take_brackets(rest, "ESP")) IPSEC_RETURN_IF_ERROR(parse_esp(*inside, method, known, offer));
  if (!offer.ah && !offer.cipher) return misshapen;
  if (rest.starts_with(':')) {
    IPSEC_RETURN_IF_ERROR(parse_life(rest.substr(1), method, offer));
  } else if (!rest.empty()) {
    return misshapen;
  }
  if (offer.kilobytes == 0) offer.kilobytes = kDefaultKilobytes;
  if (offer.seconds == 0) offer.seconds = kDefaultSeconds;
  return offer;
}

Result<QuickModeOffer> parse_quick_mode_method(std::string_view method) { return parse_method(method, kNegotiated); }

template <typename Offer>
Result<std::vector<Offer>> parse_list(std::string_view text, Result<Offer> (*parse_one)(std::string_view),
                                      const std::string& accepted) {
  std::vector<Offer> offers;
  for (const std::string_view method : split(text, " \t")) {
    IPSEC_ASSIGN_OR_RETURN(Offer offer, parse_one(method));
    offers.push_back(std::move(offer));
  }
  if (offers.empty()) return invalid(fmt::format("no method is given; expected {}", accepted));
  return offers;
}

}  // namespace

Result<std::vector<MainModeOffer>> parse_main_mode_methods(std::string_view text) {
  return parse_list<MainModeOffer>(text, parse_main_mode_method, accepted_main_mode_methods());
}

Result<std::vector<QuickModeOffer>> parse_quick_mode_methods(std::string_view text) {
  return parse_list<QuickModeOffer>(text, parse_quick_mode_method, accepted_quick_mode_methods());
}

Result<std::vector<QuickModeOffer>> parse_manual_method(std::string_view text) {
  if (text.find_first_of(" \t:") != std::string_view::npos) {
    return invalid("expected one method without a lifetime, such as ESP[AES128,SHA256]");
  }
  IPSEC_ASSIGN_OR_RETURN(const QuickModeOffer offer, parse_method(text, kManual));
  return std::vector{offer};
}

std::optional<DhGroup> parse_dh_group(std::string_view text) {
  if (const auto value = read_number<std::uint16_t>(text)) {
    return *value == kDocumentedHighGroup ? DhGroup::kModp2048 : dh_group_by_number(*value);
  }
  const auto group = dh_group_by_name(text);
  return group == DhGroup::kNone ? std::nullopt : group;
}

std::string accepted_main_mode_methods() {
  return fmt::format("Conf-Hash-Group, separated by blanks; Conf {}, Hash {}, Group {}", main_mode_ciphers(), hashes(),
                     accepted_dh_groups());
}

std::string accepted_quick_mode_methods() {
  return fmt::format(
      "ESP[Conf,Auth], AH[Hash] or AH[Hash]+ESP[Conf,Auth], each with an optional :KBk/SECs, separated by blanks; Conf "
      "{}, Hash {}, Auth a hash or NONE",
      esp_ciphers(), hashes());
}

std::string accepted_dh_groups() {
  std::string text = "1, 2, 3 (low, medium, 2048 bits)";
  for (const DhGroupInfo& row : all_dh_groups()) {
    if (row.number > kDocumentedHighGroup) text += fmt::format(", {} ({})", row.number, row.name);
  }
  return text;
}

std::string to_string(const MainModeOffer& offer) {
  return fmt::format("{}-{}-{}", info(offer.cipher).name, info(offer.integrity).name, info(offer.group).number);
}

std::string to_string(const QuickModeOffer& offer) {
  std::string text;
  if (offer.ah) text = fmt::format("AH[{}]{}", info(*offer.ah).name, offer.cipher ? "+" : "");
  if (offer.cipher && info(*offer.cipher).is_aead()) {
    text += fmt::format("ESP[{}]", info(*offer.cipher).name);
  } else if (offer.cipher) {
    text += fmt::format("ESP[{},{}]", info(*offer.cipher).name, info(offer.esp_integrity).name);
  }
  return fmt::format("{}:{}k/{}s", text, offer.kilobytes, offer.seconds);
}

}  // namespace ipsec::cli
