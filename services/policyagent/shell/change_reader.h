#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/rpc/convert.h"
#include "services/policyagent/shell/store_messages.h"
#include "store/guid.h"
#include "store/names.h"

namespace ipsec::agent {

// Reads one change. Complaints go to `problems`; a complaint makes the change void, so that what is returned after one
// does not matter.
class ChangeReader {
 public:
  ChangeReader(const Resolver& resolver, store::Problems& problems)
      : resolver_(resolver), problems_(problems), before_(problems.size()) {}

  bool good() const { return problems_.size() == before_; }
  void name_object(std::string label) { object_ = std::move(label); }

  void complain(std::uint32_t code, const std::string& field, std::string text) {
    problems_.push_back({code, object_, field, std::move(text), 0});
  }

  template <typename T>
  T take(Result<T> result, std::uint32_t code, const std::string& field) {
    if (result.ok()) return std::move(result).value();
    complain(code, field, result.status().message());
    return T{};
  }

  // A word of a table, named by `what` in the complaint.
  template <typename T>
  T word(std::optional<T> found, std::string_view given, std::uint32_t code, const std::string& field,
         std::string_view accepted) {
    if (found) return *found;
    complain(code, field, fmt::format("'{}' is not known; {} would be accepted", given, accepted));
    return T{};
  }

  store::Reference reference(const proto::ObjectReference& message, const std::string& field) {
    if (message.by_case() == proto::ObjectReference::kName) return message.name();
    if (message.by_case() == proto::ObjectReference::kGuid) {
      return take(store::parse_guid(message.guid()), store::kGuidInvalid, field);
    }
    complain(store::kNameInvalid, field, "a name or a GUID is needed");
    return std::string();
  }

  std::optional<store::Profile> profile(const std::string& text) {
    return word(store::profile_by_name(text), text, store::kUnknownValue, "profile", "modern or windows2003");
  }
  store::ConnectionType connection_type(const std::string& text) {
    return word(store::connection_type_by_name(text), text, store::kUnknownValue, "connection_type",
                "all, lan or dialup");
  }
  DhGroup group(const std::string& text, const std::string& field) {
    return word(dh_group_by_name(text), text, store::kOfferInvalid, field, "a group such as modp2048, ecp256 or none");
  }
  Cipher cipher(const std::string& text, const std::string& field) {
    return word(cipher_by_name(text), text, store::kOfferInvalid, field,
                "a cipher such as AES128, AES128-GCM, 3DES or NONE");
  }
  Integrity integrity(const std::string& text, const std::string& field) {
    return word(integrity_by_name(text), text, store::kOfferInvalid, field,
                "SHA1, SHA256, SHA384, SHA512, MD5 or NONE");
  }

  std::vector<store::MainModeOffer> main_mode_offers(const proto::StoredMainModeOfferList& list) {
    std::vector<store::MainModeOffer> offers;
    for (const proto::StoredMainModeOffer& each : list.offers()) {
      const std::string field = fmt::format("offers/{}", offers.size());
      offers.push_back({cipher(each.cipher(), field + "/cipher"), integrity(each.integrity(), field + "/integrity"),
                        group(each.dh_group(), field + "/dh_group")});
    }
    return offers;
  }

  std::vector<store::QuickModeOffer> quick_mode_offers(const proto::StoredQuickModeOfferList& list) {
    std::vector<store::QuickModeOffer> offers;
    for (const proto::StoredQuickModeOffer& each : list.offers()) {
      const std::string field = fmt::format("offers/{}", offers.size());
      store::QuickModeOffer offer;
      if (each.has_ah()) offer.ah = integrity(each.ah(), field + "/ah");
      if (each.has_esp_cipher() || each.has_esp_integrity()) {
        offer.esp = store::QuickModeOffer::Esp{
            each.has_esp_cipher() ? cipher(each.esp_cipher(), field + "/esp/cipher") : Cipher::kNull,
            each.has_esp_integrity() ? integrity(each.esp_integrity(), field + "/esp/integrity") : Integrity::kNone};
      }
      offer.lifetime_kilobytes = each.lifetime_kilobytes();
      offer.lifetime_seconds = each.lifetime_seconds();
      offers.push_back(offer);
    }
    return offers;
  }

  std::vector<store::AuthenticationMethod> authentication(const proto::StoredAuthenticationList& list) {
    std::vector<store::AuthenticationMethod> methods;
    for (const proto::StoredAuthentication& each : list.methods()) {
      switch (each.method_case()) {
        case proto::StoredAuthentication::kKerberos:
          methods.emplace_back(store::KerberosAuthentication{});
          break;
        case proto::StoredAuthentication::kPresharedKey:
          methods.emplace_back(
              store::PresharedKeyAuthentication{SecretBytes(std::string_view(each.preshared_key().key()))});
          break;
        case proto::StoredAuthentication::kCertificate:
          methods.emplace_back(store::CertificateAuthentication{
              each.certificate().root_ca(), each.certificate().map_to_account(), each.certificate().exclude_ca_name()});
          break;
        case proto::StoredAuthentication::METHOD_NOT_SET:
          complain(store::kAuthenticationInvalid, fmt::format("authentication/{}", methods.size()),
                   "a method is needed: Kerberos, a preshared key or a certificate");
          methods.emplace_back(store::KerberosAuthentication{});
          break;
      }
    }
    return methods;
  }

  store::DnsName dns_name(const proto::StoredDnsName& message, const std::string& field) {
    store::DnsName name{message.name(), {}};
    for (const proto::Address& each : message.resolved()) {
      name.resolved.push_back(take(rpc::from_proto(each, field), store::kAddressInvalid, field));
    }
    if (name.resolved.empty()) name.resolved = resolver_(name.name);
    return name;
  }

  store::FilterAddress filter_address(const proto::StoredAddress& message, const std::string& field) {
    switch (message.address_case()) {
      case proto::StoredAddress::kKeyword:
        return word(store::address_keyword_by_name(message.keyword()), message.keyword(), store::kAddressInvalid, field,
                    "me, any, dns, wins, dhcp or gateway");
      case proto::StoredAddress::kRange:
        return take(rpc::from_proto(message.range(), field), store::kAddressInvalid, field);
      case proto::StoredAddress::kDnsName:
        return dns_name(message.dns_name(), field);
      case proto::StoredAddress::ADDRESS_NOT_SET:
        break;
    }
    complain(store::kAddressInvalid, field, "a keyword, an address range or a name is needed");
    return store::AddressKeyword::kAny;
  }

  store::Filter filter(const proto::StoredFilter& message) {
    store::Filter filter;
    filter.description = message.description();
    filter.source = filter_address(message.source(), "source");
    filter.destination = filter_address(message.destination(), "destination");
    filter.protocol = take(rpc::octet_from_proto(message.protocol(), "protocol"), store::kNumberOutOfRange, "protocol");
    filter.source_port =
        take(rpc::port_from_proto(message.source_port(), "source_port"), store::kNumberOutOfRange, "source_port");
    filter.destination_port = take(rpc::port_from_proto(message.destination_port(), "destination_port"),
                                   store::kNumberOutOfRange, "destination_port");
    filter.mirrored = message.mirrored();
    return filter;
  }

  std::optional<store::Action> action(proto::Action value) {
    switch (value) {
      case proto::ACTION_UNSPECIFIED:
        return std::nullopt;
      case proto::ACTION_PERMIT:
        return store::Action::kPermit;
      case proto::ACTION_BLOCK:
        return store::Action::kBlock;
      case proto::ACTION_NEGOTIATE:
        return store::Action::kNegotiate;
      default:
        break;
    }
    complain(store::kActionInvalid, "action",
             fmt::format("{} is no action; permit, block or negotiate", static_cast<int>(value)));
    return std::nullopt;
  }

  IpAddress tunnel_endpoint(const proto::Address& message) {
    return take(rpc::from_proto(message, "tunnel_endpoint"), store::kTunnelEndpointInvalid, "tunnel_endpoint");
  }

 private:
  const Resolver& resolver_;
  store::Problems& problems_;
  const std::size_t before_;
  std::string object_;
};

}  // namespace ipsec::agent
