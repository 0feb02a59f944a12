#include "services/policyagent/shell/manual_sa_messages.h"

#include <string>

#include <fmt/format.h>

#include "services/common/rpc/convert.h"

namespace ipsec::agent {
namespace {

namespace proto = ::policyagent::v1;

SecretBytes take_key(std::string& text) {
  SecretBytes key{std::string_view(text)};
  wipe_memory(text.data(), text.size());
  text.clear();
  return key;
}

std::string list_of(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) text += (text.empty() ? "" : ", ") + address.to_string();
  return text.empty() ? "none" : text;
}

class Reader {
 public:
  Reader(const LocalAddresses& local, store::Problems& problems)
      : local_(local), problems_(problems), before_(problems.size()) {}

  std::optional<ManualSa> read(proto::AddManualSaRequest& request) {
    ManualSa sa;
    sa.encryption_key = take_key(*request.mutable_encryption_key());
    sa.integrity_key = take_key(*request.mutable_integrity_key());
    sa.ah_key = take_key(*request.mutable_ah_key());
    sa.spi = request.spi();
    sa.ah_spi = request.ah_spi();
    spi_ = sa.spi;
    sa.extended_sequence = request.extended_sequence();
    sa.replay_window = request.replay_window();
    sa.lifetime_seconds = request.lifetime_seconds();
    sa.lifetime_kilobytes = request.lifetime_kilobytes();
    read_method(request.method(), sa);
    read_addresses(request, sa);
    if (problems_.size() != before_) return std::nullopt;
    return sa;
  }

 private:
  void complain(std::string_view field, std::string text) {
    problems_.push_back(
        {store::kManualSaInvalid, fmt::format("manual SA {:#010x}", spi_), std::string(field), std::move(text), 0});
  }
  template <typename T>
  T take(Result<T> result, std::string_view field) {
    if (result.ok()) return std::move(result).value();
    complain(field, result.status().message());
    return T{};
  }

  Integrity integrity(const std::string& name) {
    const auto found = manual_integrity_by_name(name);
    if (!found) complain("method", fmt::format("'{}' is no hash; SHA256, SHA1, AES128-GMAC would be accepted", name));
    return found.value_or(Integrity::kNone);
  }

  void read_method(const proto::StoredQuickModeOffer& method, ManualSa& sa) {
    if (method.has_ah()) sa.ah = integrity(method.ah());
    if (!method.has_esp_cipher()) return;
    sa.cipher = manual_cipher_by_name(method.esp_cipher());
    if (!sa.cipher)
      complain("method", fmt::format("'{}' is no cipher; AES128, AES128-GCM would be accepted", method.esp_cipher()));
    if (method.has_esp_integrity()) sa.integrity = integrity(method.esp_integrity());
  }

  static std::optional<AddressFamily> family_of(const proto::StoredAddress& message) {
    if (message.address_case() != proto::StoredAddress::kRange) return std::nullopt;
    const auto range = rpc::from_proto(message.range(), "");
    return range.ok() ? std::optional(range->family()) : std::nullopt;
  }

  // `other`: the side that says which family is meant where this one says "me" or "any".
  AddressRange side(const proto::StoredAddress& message, const proto::StoredAddress& other, std::string_view field) {
    if (message.address_case() == proto::StoredAddress::kRange)
      return take(rpc::from_proto(message.range(), field), field);
    const AddressFamily family = family_of(other).value_or(AddressFamily::kIpv4);
    if (message.keyword() == "any") return AddressRange::any(family);
    if (message.keyword() == "me") return AddressRange::host(me(family, field));
    complain(field, "an address, a subnet, me or any would be accepted");
    return {};
  }

  IpAddress me(AddressFamily family, std::string_view field) {
    std::vector<IpAddress> fitting;
    for (const IpAddress& address : local_.all()) {
      if (address.family() == family) fitting.push_back(address);
    }
    // fe80:: addresses are on every interface, and nobody means them by "me".
    std::erase_if(fitting, [&](const IpAddress& address) {
      return !address.is_v4() && address.masked(10) == IpAddress::parse("fe80::").value();
    });
    if (fitting.size() == 1) return fitting.front();
    complain(field, fmt::format("me: an SA has one address, and this host has {}; name one", list_of(fitting)));
    return IpAddress::any(family);
  }

  void read_addresses(const proto::AddManualSaRequest& request, ManualSa& sa) {
    const proto::StoredFilter& traffic = request.traffic();
    sa.traffic.source = side(traffic.source(), traffic.destination(), "srcaddr");
    sa.traffic.destination = side(traffic.destination(), traffic.source(), "dstaddr");
    sa.traffic.protocol = take(rpc::octet_from_proto(traffic.protocol(), "protocol"), "protocol");
    sa.traffic.source_port =
        PortRange::from_number(take(rpc::port_from_proto(traffic.source_port(), "srcport"), "srcport"));
    sa.traffic.destination_port =
        PortRange::from_number(take(rpc::port_from_proto(traffic.destination_port(), "dstport"), "dstport"));
    sa.tunnel = request.has_tunnel_source() || request.has_tunnel_destination();
    sa.source = sa.traffic.source.first;
    sa.destination = sa.traffic.destination.first;
    if (sa.tunnel) {
      if (!request.has_tunnel_source() || !request.has_tunnel_destination()) {
        return complain(request.has_tunnel_source() ? "tunneldstaddress" : "tunnelsrcaddress",
                        "a tunnel has two ends; both addresses are needed");
      }
      sa.source = take(rpc::from_proto(request.tunnel_source(), "tunnelsrcaddress"), "tunnelsrcaddress");
      sa.destination = take(rpc::from_proto(request.tunnel_destination(), "tunneldstaddress"), "tunneldstaddress");
    }
    if (problems_.size() == before_) read_direction(sa);
  }

  void read_direction(ManualSa& sa) {
    const bool from_here = local_.contains(sa.source);
    const bool to_here = local_.contains(sa.destination);
    sa.direction = from_here ? Direction::kOutbound : Direction::kInbound;
    if (from_here != to_here) return;
    complain(
        sa.tunnel ? "tunnelsrcaddress" : "srcaddr",
        fmt::format("{} of {} and {} is an address of this host; one has to be, of {}", from_here ? "each" : "neither",
                    sa.source.to_string(), sa.destination.to_string(), list_of(local_.all())));
  }

  const LocalAddresses& local_;
  store::Problems& problems_;
  const std::size_t before_;
  std::uint32_t spi_ = 0;
};

std::string bytes_of(const SecretBytes& key) { return std::string(key.reveal_text()); }

}  // namespace

std::optional<ManualSa> read_manual_sa(proto::AddManualSaRequest& request, const LocalAddresses& local,
                                       store::Problems& problems) {
  return Reader(local, problems).read(request);
}

proto::Sa to_identity(const ManualSa& sa) {
  proto::Sa message;
  message.set_spi(sa.spi);
  message.set_direction(sa.direction == Direction::kOutbound ? proto::DIRECTION_OUTBOUND : proto::DIRECTION_INBOUND);
  message.set_protocol(sa.cipher ? proto::SECURITY_PROTOCOL_ESP : proto::SECURITY_PROTOCOL_AH);
  *message.mutable_source() = rpc::to_proto(sa.source);
  *message.mutable_destination() = rpc::to_proto(sa.destination);
  return message;
}

proto::InstallSaRequest to_install_request(const ManualSa& sa, const ManualSaRest& rest) {
  proto::InstallSaRequest request;
  proto::Sa& message = *request.mutable_sa();
  message = to_identity(sa);
  message.set_manual(true);
  message.set_encapsulation(sa.tunnel ? proto::ENCAPSULATION_TUNNEL : proto::ENCAPSULATION_TRANSPORT);
  *message.mutable_selector() = rpc::to_proto(sa.traffic);
  if (sa.cipher) {
    message.set_cipher(rpc::to_proto(*sa.cipher));
    message.set_integrity(rpc::to_proto(sa.integrity));
    message.set_encryption_key(bytes_of(sa.encryption_key));
    message.set_integrity_key(bytes_of(sa.integrity_key));
  } else if (sa.ah) {
    message.set_integrity(rpc::to_proto(*sa.ah));
    message.set_integrity_key(bytes_of(sa.ah_key));
  }
  if (sa.is_bundle()) {
    message.mutable_ah()->set_spi(sa.ah_spi);
    message.mutable_ah()->set_integrity(rpc::to_proto(*sa.ah));
    message.mutable_ah()->set_key(bytes_of(sa.ah_key));
  }
  message.set_extended_sequence(sa.extended_sequence);
  message.set_replay_window(sa.replay_window);
  message.set_lifetime_seconds(rest.lifetime_seconds);
  message.set_lifetime_kilobytes(rest.lifetime_kilobytes);
  message.set_last_sequence(rest.last_sequence);
  return request;
}

bool is_same(const proto::Sa& a, const proto::Sa& b) {
  return a.spi() == b.spi() && a.direction() == b.direction() && a.protocol() == b.protocol() &&
         a.destination().octets() == b.destination().octets();
}

proto::DeleteSaRequest to_delete_request(const proto::Sa& listed) {
  proto::DeleteSaRequest request;
  request.set_spi(listed.spi());
  request.set_direction(listed.direction());
  request.set_protocol(listed.protocol());
  *request.mutable_peer() = listed.direction() == proto::DIRECTION_OUTBOUND ? listed.destination() : listed.source();
  return request;
}

}  // namespace ipsec::agent
