#include "cli/commands/dump_line.h"

#include "cli/methods.h"
#include "cli/text.h"

namespace ipsec::cli {

namespace {

std::string in_quotes(std::string_view value) {
  const bool needs_quotes = value.empty() || value.find_first_of(" \t") != std::string_view::npos;
  return needs_quotes ? fmt::format("\"{}\"", value) : std::string(value);
}

bool can_be_said(std::string_view value) { return value.find_first_of("\"\r\n") == std::string_view::npos; }

std::string protocol_word(std::uint32_t protocol) {
  switch (protocol) {
    case 0:
      return "ANY";
    case 1:
      return "ICMP";
    case 6:
      return "TCP";
    case 17:
      return "UDP";
    case 255:
      return "RAW";
    default:
      return std::to_string(protocol);
  }
}

std::string method_text(const proto::StoredMainModeOffer& offer) {
  const auto cipher = cipher_by_name(offer.cipher());
  const auto integrity = integrity_by_name(offer.integrity());
  const auto group = dh_group_by_name(offer.dh_group());
  if (!cipher || !integrity || !group) return {};
  return to_string(MainModeOffer{*cipher, *integrity, *group});
}

std::string method_text(const proto::StoredQuickModeOffer& stored) {
  QuickModeOffer offer;
  if (stored.has_ah()) offer.ah = integrity_by_name(stored.ah());
  if (stored.has_esp_cipher()) {
    offer.cipher = cipher_by_name(stored.esp_cipher());
    offer.esp_integrity = integrity_by_name(stored.esp_integrity()).value_or(Integrity::kNone);
  }
  offer.kilobytes = stored.lifetime_kilobytes();
  offer.seconds = stored.lifetime_seconds();
  return to_string(offer);
}

template <typename Offers>
std::string methods_text(const Offers& offers) {
  std::string text;
  for (const auto& offer : offers) text += (text.empty() ? "" : " ") + method_text(offer);
  return text;
}

}  // namespace

void DumpLine::add(std::string_view tag, std::string_view value) {
  if (!can_be_said(value)) unsayable_ = fmt::format("'{}' holds a character that no line of a script can have", tag);
  text_ += fmt::format(" {}={}", tag, in_quotes(value));
}

void DumpLine::add_text(std::string_view tag, std::string_view value) {
  if (!value.empty()) add(tag, value);
}

void DumpLine::add_address(std::string_view address_tag, std::string_view mask_tag,
                           const proto::StoredAddress& address) {
  if (!address.keyword().empty()) return add(address_tag, address.keyword());
  if (address.has_dns_name()) return add(address_tag, address.dns_name().name());
  const auto range = rpc::from_proto(address.range(), address_tag);
  if (!range.ok()) return add(address_tag, "?\n");
  const auto subnet = range->as_subnet();
  if (range->is_host()) return add(address_tag, range->first.to_string());
  if (!subnet) return add(address_tag, fmt::format("{}-{}", range->first.to_string(), range->last.to_string()));
  // A mask has at least one bit; the whole of a family has a prefix only in the address.
  if (subnet->prefix_length == 0) return add(address_tag, fmt::format("{}/0", subnet->address.to_string()));
  add(address_tag, subnet->address.to_string());
  add_number(mask_tag, subnet->prefix_length);
}

void DumpLine::add_filter(const proto::StoredFilter& filter) {
  add_address("srcaddr", "srcmask", filter.source());
  add_address("dstaddr", "dstmask", filter.destination());
  add("protocol", protocol_word(filter.protocol()));
  add_number("srcport", filter.source_port());
  add_number("dstport", filter.destination_port());
  add_yes_no("mirrored", filter.mirrored());
}

void DumpLine::add_offers(const google::protobuf::RepeatedPtrField<proto::StoredMainModeOffer>& offers) {
  add_text("mmsecmethods", methods_text(offers));
}

void DumpLine::add_offers(const google::protobuf::RepeatedPtrField<proto::StoredQuickModeOffer>& offers) {
  add_text("qmsecmethods", methods_text(offers));
}

void DumpLine::add_authentication(const proto::StoredAuthentication& method, std::string_view key) {
  if (method.has_certificate()) {
    std::string issuer = method.certificate().root_ca();
    for (std::size_t at = issuer.find('"'); at != std::string::npos; at = issuer.find('"', at)) {
      issuer.replace(at, 1, "\\'");
    }
    add("rootca",
        fmt::format("{} certmap:{} excludecaname:{}", issuer, method.certificate().map_to_account() ? "yes" : "no",
                    method.certificate().exclude_ca_name() ? "yes" : "no"));
  } else if (method.has_preshared_key()) {
    if (has_key_) unsayable_ = "a line can state one preshared key only";
    has_key_ = true;
    key_is_missing_ = key_is_missing_ || key.empty();
    add("psk", key);
  } else {
    add_yes_no("kerberos", true);
  }
}

std::string DumpLine::to_string() const {
  if (!unsayable_.empty()) return fmt::format("# left out, {}:\n# {}\n", unsayable_, harmless(text_));
  if (key_is_missing_)
    return fmt::format("# the preshared key is not shown; the next line fails without it\n{}\n", text_);
  return text_ + "\n";
}

std::string_view word_of(proto::Action action) {
  if (action == proto::ACTION_PERMIT) return "permit";
  return action == proto::ACTION_BLOCK ? "block" : "negotiate";
}

}  // namespace ipsec::cli
