#include "cli/format.h"

#include "cli/limits.h"
#include "cli/text.h"
#include "services/common/selector.h"

namespace ipsec::cli {

namespace {

std::string marked(const std::string& text, bool weak) { return weak ? text + " (weak)" : text; }

std::string with_name(std::string text, const IpAddress& address, const ShowOptions& options) {
  if (!options.name_of) return text;
  const std::string name = options.name_of(address);
  return name.empty() ? text : fmt::format("{} ({})", text, harmless(name));
}

std::string shown_key() { return fmt::format("Preshared Key {}", kHiddenKey); }

std::string certificate_text(const proto::CertificateMethod& certificate) {
  return fmt::format("Root CA: {} certmap:{} excludecaname:{}", certificate.root_ca(),
                     certificate.map_to_account() ? "yes" : "no", certificate.exclude_ca_name() ? "yes" : "no");
}

}  // namespace

std::size_t ShowOptions::columns() const { return wide ? 0 : kScreenColumns; }

std::string algorithm_text(const CipherInfo& row) { return marked(std::string(row.name), row.weak); }
std::string algorithm_text(const IntegrityInfo& row) { return marked(std::string(row.name), row.weak); }

std::string algorithm_text(const DhGroupInfo& row) {
  constexpr std::string_view kModp = "modp";
  std::string_view name = row.id == DhGroup::kModp768 ? "Low" : row.id == DhGroup::kModp1024 ? "Medium" : row.name;
  if (name.starts_with(kModp)) name.remove_prefix(kModp.size());
  return marked(fmt::format("{}({})", name, row.number), row.weak);
}

std::string store_text(std::string_view store) {
  if (store.empty()) return "";
  std::string text(store);
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + " Store";
}

std::string cipher_text(proto::Cipher cipher) {
  const auto value = rpc::from_proto(cipher, "");
  return value.ok() ? algorithm_text(info(*value)) : "NONE";
}

std::string integrity_text(proto::Integrity integrity) {
  const auto value = rpc::from_proto(integrity, "");
  return value.ok() ? algorithm_text(info(*value)) : "NONE";
}

std::string group_text(std::uint32_t number) {
  const auto group = number <= 0xffff ? dh_group_by_number(static_cast<std::uint16_t>(number)) : std::nullopt;
  if (group) return algorithm_text(info(*group));
  return number == 0 ? "none" : fmt::format("({})", number);
}

std::string esp_text(proto::Cipher cipher, proto::Integrity integrity) {
  const auto value = rpc::from_proto(cipher, "");
  if (value.ok() && info(*value).is_aead()) return cipher_text(cipher);
  return fmt::format("{},{}", cipher_text(cipher), integrity_text(integrity));
}

std::string main_mode_suite_text(const proto::MainModeOffer& offer) {
  const auto group =
      offer.dh_group() <= 0xffff ? dh_group_by_number(static_cast<std::uint16_t>(offer.dh_group())) : std::nullopt;
  return fmt::format("{}/{}/{}", cipher_text(offer.cipher()), integrity_text(offer.integrity()),
                     marked(std::to_string(offer.dh_group()), group && info(*group).weak));
}

std::string action_text(proto::Action action) {
  switch (action) {
    case proto::ACTION_PERMIT:
      return "PERMIT";
    case proto::ACTION_BLOCK:
      return "BLOCK";
    case proto::ACTION_NEGOTIATE:
      return "NEGOTIATE SECURITY";
    default:
      return "NONE";
  }
}

std::string guid_text(std::string_view guid) { return guid.empty() ? "" : fmt::format("{{{}}}", guid); }

std::string port_text(std::uint32_t port) { return port == 0 ? "ANY" : std::to_string(port); }

std::string ports_text(const proto::PortRange* range) {
  if (range == nullptr || (range->first() == 0 && range->last() == 65535)) return "ANY";
  if (range->first() == range->last()) return std::to_string(range->first());
  return fmt::format("{}-{}", range->first(), range->last());
}

std::string protocol_text(std::uint32_t protocol) {
  return protocol == 255 ? "RAW" : protocol_name(static_cast<std::uint8_t>(protocol));
}

std::string direction_text(proto::Direction direction) {
  return direction == proto::DIRECTION_INBOUND ? "Inbound" : "Outbound";
}

std::string address_text(const proto::Address& address, const ShowOptions& options) {
  const auto value = rpc::from_proto(address, "");
  return value.ok() ? with_name(value->to_string(), *value, options) : "NONE";
}

std::string range_text(const proto::AddressRange& range, const ShowOptions& options) {
  const auto value = rpc::from_proto(range, "");
  if (!value.ok()) return "NONE";
  if (value->is_any()) return value->first.is_v4() ? "<Any IP Address>" : "<Any IPv6 Address>";
  return value->is_host() ? with_name(value->to_string(), value->first, options) : value->to_string();
}

std::string endpoint_text(const proto::Endpoint& endpoint, const ShowOptions& options) {
  return fmt::format("{}, port {}", address_text(endpoint.address(), options), endpoint.port());
}

std::string authentication_text(const proto::StoredAuthentication& method) {
  if (method.has_preshared_key()) return shown_key();
  if (method.has_certificate()) return certificate_text(method.certificate());
  return "KERBEROS";
}

std::string authentication_text(const proto::AuthenticationMethod& method) {
  if (method.method_case() == proto::AuthenticationMethod::kPresharedKey) return shown_key();
  if (method.has_certificate()) return certificate_text(method.certificate());
  return "KERBEROS";
}

}  // namespace ipsec::cli
