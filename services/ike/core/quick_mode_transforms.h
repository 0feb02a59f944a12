#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/sa_parameters.h"
#include "services/ike/core/transform_attributes.h"
#include "services/ike/wire/sa_payload.h"

// Between protection suites and the proposals of quick mode that say them (RFC 2407 sections 4.4 and 4.5; QM-08).
namespace ipsec::ike {

// The transform that says this; the suite has that protocol. `pfs_group` kNone: without PFS.
Transform make_transform(SecurityProtocol protocol, const QuickModeOffer& offer, WireEncapsulation encapsulation,
                         DhGroup pfs_group, std::uint8_t number);

// The proposals of one number: they belong together (RFC 2408 section 4.2). Borrowed from an SA payload.
struct ProposalGroup {
  std::vector<const Proposal*> proposals;

  // nullptr: none, or several.
  const Proposal* of(SecurityProtocol protocol) const;
  // AH, ESP or one of each, under SPIs of 256 or above (RFC 2406 section 2.1).
  bool is_suite() const;
  SuiteSpis spis() const;
  std::string text() const;  // "AH + ESP"
};
std::vector<ProposalGroup> proposal_groups(const SaPayload& sa);

// One transform of each proposal of a group, taken together.
struct OfferedSuite {
  std::optional<ProtectionSuite> suite;  // absent: something in it is not known here, or the two do not go together
  std::uint16_t encapsulation = 0;
  std::uint16_t group = 0;  // of PFS; 0: without
  bool extended_sequence = false;
  Lifetimes lifetimes;  // the smaller ones
  const Transform* ah = nullptr;
  const Transform* esp = nullptr;
};
// Requires group.is_suite(). In the order of the initiator: every ESP transform with the first AH transform, and so on;
// at most `most` of them.
std::vector<OfferedSuite> offered_suites(const ProposalGroup& group, std::size_t most);

std::string mode_text(std::uint16_t encapsulation);
// "ESP AES128-SHA1 transport PFS modp2048"
std::string to_string(const OfferedSuite& offered);

}  // namespace ipsec::ike
