#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/driver/core/exemptions.h"
#include "services/driver/core/offload_capabilities.h"

// The compiled policy as plain values; fields mean what proto/policy.proto says of the same names.
namespace ipsec::driver {

enum class Direction : std::uint8_t { kOutbound, kInbound };
enum class Action : std::uint8_t { kPermit, kBlock, kNegotiate };
enum class Profile : std::uint8_t { kModern, kWindows2003 };

struct Filter {
  std::uint64_t id = 0;  // never 0
  std::uint64_t mirror_id = 0;
  std::uint32_t index = 0;  // counts in a PolicyUpdate only: place in the new list
  std::uint64_t weight = 0;
  Direction direction = Direction::kOutbound;
  Selector selector;  // as in the packet of that direction
  Action action = Action::kPermit;
  // Tunnel filters only.
  std::optional<IpAddress> tunnel_source;
  std::optional<IpAddress> tunnel_destination;
  bool inbound_passthrough = false;
  bool allow_soft = false;
  std::uint64_t protection_id = 0;
  std::string rule_name;  // for event texts

  bool is_tunnel() const { return tunnel_source.has_value() || tunnel_destination.has_value(); }
  // DRV-09: an inbound filter that negotiates and lets clear packets in while there is no SA for them.
  bool admits_clear() const { return inbound_passthrough || (allow_soft && !is_tunnel()); }
};

enum class BootMode : std::uint8_t { kNone, kStateful, kBlock, kPermit };

struct BootExemption {
  Direction direction = Direction::kInbound;
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;  // 0: any
  std::uint16_t destination_port = 0;
};

struct BootSettings {
  BootMode mode = BootMode::kNone;  // kNone: the filters decide
  std::vector<BootExemption> exemptions;
};

// Which dropped packets are reported, and how often (diagnostics.h).
struct DiagnosticsSettings {
  std::uint32_t classes = 0;  // or-ed; 0: none
  Duration interval = std::chrono::hours(1);
  friend bool operator==(const DiagnosticsSettings&, const DiagnosticsSettings&) = default;
};

struct Policy {
  std::uint64_t version = 0;
  std::string name;
  bool active = false;
  std::vector<Filter> filters;  // both directions, in the order of `index`
  Profile profile = Profile::kModern;
  std::vector<IpAddress> local_addresses;
  Exemptions exemptions = Exemptions::kIsakmpOnly;
  BootSettings boot;
  DiagnosticsSettings diagnostics;
  bool addresses_are_complete = false;
};

// A policy, or the difference to the one in force (proto/policy.proto, PolicyChange).
struct PolicyUpdate {
  Policy settings;                     // without filters
  std::uint64_t base_version = 0;      // 0: a whole policy
  std::vector<std::uint64_t> removed;  // filter ids
  std::vector<Filter> inserted;        // by ascending `index`
  std::size_t count = 0;               // filters of the new policy
};

// What the shell knows of the interfaces and the policy does not say.
struct LinkSettings {
  std::uint16_t mtu = 1500;                    // of the narrowest attached interface
  std::vector<IpAddress> broadcast_addresses;  // all-ones host parts of the local subnets (seed row EX-11)
  OffloadCapabilities offload = {};            // that all attached interfaces have
  friend bool operator==(const LinkSettings&, const LinkSettings&) = default;
};

}  // namespace ipsec::driver
