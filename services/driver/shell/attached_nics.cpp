#include "services/driver/shell/attached_nics.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

bool has_index(const std::vector<Nic>& nics, std::uint32_t index) {
  return std::any_of(nics.begin(), nics.end(), [index](const Nic& nic) { return nic.index == index; });
}

bool has_name(const std::vector<Nic>& nics, const std::string& name) {
  return std::any_of(nics.begin(), nics.end(), [&name](const Nic& nic) { return nic.name == name; });
}

IpAddress address_of(std::uint32_t network_order) {
  std::array<std::uint8_t, 4> octets{};
  std::memcpy(octets.data(), &network_order, octets.size());
  return IpAddress::from_bytes(octets);
}

}  // namespace

AttachedNics::AttachedNics(std::vector<std::string> wanted, std::unique_ptr<Attachment> attachment, Netlink netlink,
                           WorkerPool& workers, EventLog& events, OffloadProvider* offload)
    : wanted_(std::move(wanted)),
      attachment_(std::move(attachment)),
      netlink_(std::move(netlink)),
      workers_(workers),
      events_(events),
      offload_(offload) {}

Status AttachedNics::follow(LeftShut left_shut) {
  IPSEC_ASSIGN_OR_RETURN(const std::vector<Nic> present, netlink_.list_nics());
  const std::vector<Nic> chosen = choose_nics(present, wanted_);
  earlier_failures_ = std::exchange(failures_, {});
  note_missing(chosen);
  note_unprotected(present);
  std::vector<Nic> shut;
  if (left_shut == LeftShut::kStays) shut = attachment_->left_behind(present);
  std::vector<Nic> kept = chosen;
  kept.insert(kept.end(), shut.begin(), shut.end());
  Status first = let_go_of_all_but(kept, present);
  for (const Nic& nic : chosen) {
    if (has_index(shut, nic.index)) continue;
    const Status status = attached_.contains(nic.index) ? update(nic) : attach(nic);
    if (status.ok()) continue;
    note_failure("attach_failed", nic, status);
    if (first.ok()) first = status;
  }
  return first;
}

Status AttachedNics::release_all() {
  IPSEC_ASSIGN_OR_RETURN(const std::vector<Nic> present, netlink_.list_nics());
  earlier_failures_ = std::exchange(failures_, {});
  missing_.clear();
  unprotected_.clear();
  return let_go_of_all_but({}, present);
}

Status AttachedNics::let_go_of_all_but(const std::vector<Nic>& kept, const std::vector<Nic>& present) {
  std::vector<Nic> leaving = attachment_->left_behind(present);
  std::erase_if(leaving, [&](const Nic& nic) { return has_index(kept, nic.index); });
  for (const auto& [index, nic] : attached_) {
    if (!has_index(kept, index)) leaving.push_back(nic);
  }
  Status first;
  for (const Nic& nic : leaving) {
    const Status status = let_go(nic);
    // Of a NIC that is no more, the kernel knows nothing to detach.
    if (status.ok() || !has_index(present, nic.index)) continue;
    note_failure("detach_failed", nic, status);
    if (first.ok()) first = status;
  }
  return first;
}

Status AttachedNics::attach(const Nic& nic) {
  IPSEC_ASSIGN_OR_RETURN(std::vector<PortPair> ports, attachment_->attach(nic, workers_.size()));
  bind(nic, std::move(ports));
  events_.add("attached", Severity::kInformation, fmt::format("In front of interface {}", nic.name),
              {{"interface", nic.name}, {"mtu", fmt::format("{}", nic.mtu)}});
  return {};
}

void AttachedNics::bind(const Nic& nic, std::vector<PortPair> ports) {
  workers_.add(nic.index, std::move(ports));
  attached_[nic.index] = nic;
  capabilities_[nic.index] = offload_ == nullptr ? OffloadCapabilities{} : offload_->capabilities(nic.name);
}

Status AttachedNics::update(const Nic& nic) {
  Nic& known = attached_[nic.index];
  if (!attachment_->is_intact(nic)) return repair(nic);
  if (known == nic) return {};
  IPSEC_RETURN_IF_ERROR(attachment_->update(nic));
  known = nic;
  return {};
}

Status AttachedNics::repair(const Nic& nic) {
  workers_.remove(nic.index);
  attached_.erase(nic.index);
  events_.add(
      "attachment_damaged", Severity::kWarning,
      fmt::format("Someone removed programs or devices of the driver from interface {}; attaching again", nic.name),
      {{"interface", nic.name}});
  IPSEC_ASSIGN_OR_RETURN(std::vector<PortPair> ports, attachment_->repair(nic, workers_.size()));
  bind(nic, std::move(ports));
  return {};
}

Status AttachedNics::let_go(const Nic& nic) {
  Status status = attachment_->detach(nic);
  const auto found = attached_.find(nic.index);
  if (found == attached_.end()) return status;
  workers_.remove(nic.index);
  events_.add("detached", Severity::kInformation, fmt::format("Away from interface {}", nic.name),
              {{"interface", nic.name}});
  attached_.erase(found);
  return status;
}

void AttachedNics::note_missing(const std::vector<Nic>& chosen) {
  for (const std::string& name : wanted_) {
    const auto known = std::find(missing_.begin(), missing_.end(), name);
    if (has_name(chosen, name)) {
      if (known != missing_.end()) missing_.erase(known);
    } else if (known == missing_.end()) {
      missing_.push_back(name);
      events_.add("interface_missing", Severity::kWarning,
                  fmt::format("There is no interface {}; it is attached to as soon as it appears", name),
                  {{"interface", name}});
    }
  }
}

// The driver cannot protect them, and the administrator should know.
void AttachedNics::note_unprotected(const std::vector<Nic>& present) {
  if (!wanted_.empty()) return;
  for (const Nic& nic : present) {
    if (nic.ethernet || nic.loopback || !nic.up || nic.name.starts_with(kTunNamePrefix)) continue;
    if (!unprotected_.insert(nic.name).second) continue;
    events_.add("interface_unprotected", Severity::kWarning,
                fmt::format("Interface {} is not Ethernet; its packets pass unfiltered", nic.name),
                {{"interface", nic.name}});
  }
}

void AttachedNics::note_failure(const char* event, const Nic& nic, const Status& status) {
  failures_[nic.name] = status.message();
  const auto earlier = earlier_failures_.find(nic.name);
  if (earlier != earlier_failures_.end() && earlier->second == status.message()) return;
  events_.add(event, Severity::kError, status.message(), {{"interface", nic.name}});
}

std::vector<std::string> AttachedNics::names() const {
  std::vector<std::string> names;
  for (const auto& [index, nic] : attached_) names.push_back(nic.name);
  return names;
}

std::vector<std::string> AttachedNics::offload_providers() const {
  std::vector<std::string> providers;
  for (const auto& [index, nic] : attached_) providers.push_back(capabilities_.at(index).provider);
  return providers;
}

LinkSettings AttachedNics::link_settings() const {
  LinkSettings link;
  if (attached_.empty()) return link;
  link.offload = capabilities_.at(attached_.begin()->first);
  std::uint32_t narrowest = limits::kMaxPacketSize;
  for (const auto& [index, nic] : attached_) {
    narrowest = std::min(narrowest, nic.mtu);
    link.offload = in_common(link.offload, capabilities_.at(index));
    for (const std::uint32_t address : nic.broadcast_addresses) {
      link.broadcast_addresses.push_back(address_of(address));
    }
  }
  link.mtu = static_cast<std::uint16_t>(narrowest);
  return link;
}

}  // namespace ipsec::driver
