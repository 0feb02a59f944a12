#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/ike/certificates/method.h"
#include "services/ike/core/log.h"

// The compiled policy as the IKE core sees it: plain values, field for field those of proto/policy.proto IkePolicy. The
// shell refuses what does not convert; the engine checks the references between the lists.
namespace ipsec::ike {

enum class Direction : std::uint8_t { kOutbound = 1, kInbound = 2 };
enum class Encapsulation : std::uint8_t { kTunnel = 1, kTransport = 2 };  // RFC 2407 4.5, attribute 4
enum class SecurityProtocol : std::uint8_t { kAh = 2, kEsp = 3 };         // RFC 2407 4.4.1
enum class FilterAction : std::uint8_t { kPermit = 1, kBlock = 2, kNegotiate = 3 };

std::string_view name(Direction direction);
std::string_view name(Encapsulation encapsulation);
std::string_view name(SecurityProtocol protocol);

struct MainModeOffer {
  Cipher cipher = Cipher::kAes128Cbc;
  Integrity hash = Integrity::kSha256;
  DhGroup group = DhGroup::kModp2048;
  friend bool operator==(const MainModeOffer&, const MainModeOffer&) = default;
};
// "AES128-SHA256-modp2048"
std::string to_string(const MainModeOffer& offer);

struct MainModePolicy {
  std::string name;
  std::vector<MainModeOffer> offers;  // best first
  std::uint32_t lifetime_seconds = 28800;
  std::uint32_t quick_mode_limit = 0;  // quick modes of one main mode SA; 0: no limit (KEY-25)
  bool master_pfs = false;             // a main mode for each quick mode; the limit is then ignored (KEY-23)
};

struct KerberosMethod {};
struct PresharedKeyMethod {
  SecretBytes key;
};
using AuthenticationMethod = std::variant<KerberosMethod, PresharedKeyMethod, CertificateMethod>;

// Whom to negotiate with and how to authenticate. Of the filters that contain both addresses the one of the highest
// weight decides, the first of equal ones.
struct MainModeFilter {
  std::uint64_t id = 0;
  AddressRange local;
  AddressRange remote;
  std::uint64_t weight = 0;
  std::string main_mode_policy;
  std::vector<AuthenticationMethod> authentication;  // best first
  std::string rule_name;
};

struct EspOffer {
  Cipher cipher = Cipher::kAes128Cbc;
  Integrity integrity = Integrity::kNone;  // kNone with an AEAD
  friend bool operator==(const EspOffer&, const EspOffer&) = default;
};

// "ESP AES128-SHA1", "ESP AES128-GCM"
std::string to_string(const EspOffer& offer);

// What protects the packets of one pair of SAs (RFC 2408 section 2.1): AH, ESP, or AH around ESP.
struct ProtectionSuite {
  std::optional<Integrity> ah;
  std::optional<EspOffer> esp;
  friend bool operator==(const ProtectionSuite&, const ProtectionSuite&) = default;
};
// "ESP AES128-SHA1", "AH SHA1 + ESP 3DES-SHA1"
std::string to_string(const ProtectionSuite& suite);

struct QuickModeOffer {
  std::optional<Integrity> ah;
  std::optional<EspOffer> esp;
  std::uint32_t lifetime_kilobytes = 0;  // 0: none
  std::uint32_t lifetime_seconds = 0;    // 0: none

  ProtectionSuite suite() const { return {ah, esp}; }
  friend bool operator==(const QuickModeOffer&, const QuickModeOffer&) = default;
};

struct QuickModePolicy {
  std::string name;
  std::vector<QuickModeOffer> offers;  // best first
  bool pfs = false;
  DhGroup pfs_group = DhGroup::kNone;  // kNone: the main mode's group (KEY-31)
};

struct Filter {
  std::uint64_t id = 0;         // never 0
  std::uint64_t mirror_id = 0;  // 0: none
  std::uint32_t index = 0;      // lower is more specific
  Direction direction = Direction::kOutbound;
  Selector selector;
  FilterAction action = FilterAction::kNegotiate;
  // Present in tunnel filters only; outbound: the peer. tunnel_source may be absent there: chosen by route.
  std::optional<IpAddress> tunnel_source;
  std::optional<IpAddress> tunnel_destination;
  std::string quick_mode_policy;
  std::string rule_name;
  std::string filter_list_name;
  std::string filter_action_name;
  bool dynamic = false;     // made for one peer by the default response rule (DR-08)
  bool allow_soft = false;  // packets may pass in clear to a peer that does not answer (PD-14)

  Encapsulation encapsulation() const {
    return tunnel_source || tunnel_destination ? Encapsulation::kTunnel : Encapsulation::kTransport;
  }
};

// The default response rule: what a peer gets whose request fits no filter. It answers and never asks, except for the
// peers for whom it has made a dynamic filter.
inline constexpr std::string_view kDefaultResponseRule = "<Default Response Rule>";
struct DefaultResponse {
  bool active = false;
  QuickModePolicy quick_mode_policy;
  std::string main_mode_policy;
  std::vector<AuthenticationMethod> authentication;
};

struct IkePolicy {
  std::uint64_t version = 0;
  std::string policy_name;  // empty: none assigned
  std::vector<MainModePolicy> main_mode_policies;
  std::vector<MainModeFilter> main_mode_filters;
  std::vector<QuickModePolicy> quick_mode_policies;
  std::vector<Filter> filters;  // those that negotiate, both directions
  DefaultResponse default_response;
  std::string profile;  // "modern" or "windows2003"
  LogLevels log_levels;
  std::uint32_t strong_crl_check = 1;  // of certificates, 0..2 (CRL-01..CRL-03)
};

}  // namespace ipsec::ike
