#include "services/policyagent/core/fingerprint.h"

#include <string_view>

#include <absl/hash/hash.h>

namespace ipsec::agent {
namespace {

// Hashes every part into the one before.
class Mixer {
 public:
  template <typename... Parts>
  Mixer& add(const Parts&... parts) {
    state_ = absl::HashOf(state_, parts...);
    return *this;
  }
  Mixer& add_range(const AddressRange& range) { return add(range.first, range.last); }
  Mixer& add_all(const std::vector<IpAddress>& addresses) {
    add(addresses.size());
    for (const IpAddress& address : addresses) add(address);
    return *this;
  }
  Fingerprint value() const { return state_; }

 private:
  Fingerprint state_ = 0;
};

void add(Mixer& mixer, const store::FilterAddress& address) {
  mixer.add(address.index());
  if (const auto* keyword = std::get_if<store::AddressKeyword>(&address)) {
    mixer.add(*keyword);
  } else if (const auto* range = std::get_if<AddressRange>(&address)) {
    mixer.add_range(*range);
  } else {
    const auto& name = std::get<store::DnsName>(address);
    mixer.add(name.name).add_all(name.resolved);
  }
}

void add(Mixer& mixer, const store::AuthenticationMethod& method) {
  mixer.add(method.index());
  if (const auto* key = std::get_if<store::PresharedKeyAuthentication>(&method)) {
    mixer.add(key->key.reveal_text(), key->unopened.has_value());
  } else if (const auto* certificate = std::get_if<store::CertificateAuthentication>(&method)) {
    mixer.add(certificate->root_ca, certificate->map_to_account, certificate->exclude_ca_name);
  }
}

void add(Mixer& mixer, const store::QuickModeOffer& offer) {
  mixer.add(offer.ah.has_value(), offer.esp.has_value(), offer.lifetime_kilobytes, offer.lifetime_seconds);
  if (offer.ah) mixer.add(*offer.ah);
  if (offer.esp) mixer.add(offer.esp->cipher, offer.esp->integrity);
}

}  // namespace

Fingerprint fingerprint(const std::vector<store::Filter>& filters) {
  Mixer mixer;
  mixer.add(filters.size());
  for (const store::Filter& filter : filters) {
    mixer.add(filter.guid.text, filter.protocol, filter.source_port, filter.destination_port, filter.mirrored);
    add(mixer, filter.source);
    add(mixer, filter.destination);
  }
  return mixer.value();
}

Fingerprint fingerprint(const store::FilterAction& action) {
  Mixer mixer;
  mixer.add(action.name, action.action, action.quick_mode_pfs, action.pfs_group, action.inbound_passthrough,
            action.allow_soft, action.offers.size());
  for (const store::QuickModeOffer& offer : action.offers) add(mixer, offer);
  return mixer.value();
}

Fingerprint fingerprint(const store::Rule& rule) {
  Mixer mixer;
  mixer.add(rule.guid.text, rule.name, rule.connection_type, rule.tunnel_endpoint.has_value(),
            rule.authentication.size());
  if (rule.tunnel_endpoint) mixer.add(*rule.tunnel_endpoint);
  for (const store::AuthenticationMethod& method : rule.authentication) add(mixer, method);
  return mixer.value();
}

Fingerprint fingerprint(const HostAddresses& host) {
  Mixer mixer;
  for (const Interface& interface : host.interfaces) {
    mixer.add(interface.kind, interface.addresses.size());
    for (const InterfaceAddress& address : interface.addresses) mixer.add(address.address);
  }
  return mixer.add_all(host.dns_servers)
      .add_all(host.wins_servers)
      .add_all(host.dhcp_servers)
      .add_all(host.gateways)
      .value();
}

}  // namespace ipsec::agent
