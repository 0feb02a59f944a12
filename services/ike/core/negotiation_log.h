#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "services/common/address.h"
#include "services/common/time.h"
#include "services/ike/core/failure.h"

// The last negotiations that came to nothing, with what each side wanted.
namespace ipsec::ike {

enum class NegotiationMode : std::uint8_t { kMain = 1, kQuick = 2 };
// "main mode", "quick mode"
std::string_view name(NegotiationMode mode);

struct FailedNegotiation {
  NegotiationMode mode = NegotiationMode::kMain;
  bool initiator = false;
  Endpoint local;
  Endpoint peer;
  Failure failure;
  Explanation explanation{};
  // Names of this host's policy; empty where none applied.
  std::string rule_name;
  std::string policy_name;  // main mode or quick mode policy
  std::string filter;       // quick mode: the filter, or the traffic asked for
  Timestamp at;             // the last time
  std::uint32_t times = 1;  // in a row, as far as remembered
};

// Bounded; the same failure again is counted instead of taking a place of its own. No secrets.
class NegotiationLog {
 public:
  void add(FailedNegotiation failed);
  std::vector<FailedNegotiation> newest_first() const { return {entries_.rbegin(), entries_.rend()}; }

 private:
  std::deque<FailedNegotiation> entries_;  // oldest first
};

}  // namespace ipsec::ike
