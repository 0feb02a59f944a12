#pragma once

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "services/ike/wire/header.h"
#include "services/ike/wire/numbers.h"
#include "tests/ike/core/pair.h"

// What the tests of quick mode have in common: a pair with its first quick mode done, and what was on the wire.
namespace ipsec::ike::tests {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline bool is_quick_mode(const SentDatagram& sent) { return header_of(sent).exchange == ExchangeType::kQuickMode; }

inline std::vector<SentDatagram> quick_modes(const Pair& pair) {
  std::vector<SentDatagram> found;
  for (const SentDatagram& sent : pair.sent) {
    if (is_quick_mode(sent)) found.push_back(sent);
  }
  return found;
}

inline std::size_t main_modes_begun(const Pair& pair) {
  std::size_t count = 0;
  for (const SentDatagram& sent : pair.sent)
    count +=
        header_of(sent).exchange == ExchangeType::kIdentityProtection && header_of(sent).responder_cookie == 0 ? 1 : 0;
  return count;
}

// A pair of hosts with one main mode and one quick mode done.
inline void establish(Pair& pair, const PolicyOptions& options = {}) {
  set_mirrored_policies(pair, options);
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  ASSERT_EQ(pair.b.driver.outbound.size(), 1U);
}

inline void set_different(Pair& pair, const PolicyOptions& of_a, const PolicyOptions& of_b) {
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, of_a),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
}

}  // namespace ipsec::ike::tests
