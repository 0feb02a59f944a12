#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/ike/core/pair.h"

// Hours of two hosts that talk all the time, with drivers that let SAs grow old as the real one does: what IKE is for
// is that none of their packets is lost.
namespace ipsec::ike::tests {

// The limits of services/driver/core/limits.h; `collide` lets both sides ask for a successor at the same moment.
class AgeingDriver {
 public:
  AgeingDriver(Pair& pair, Host& host, bool collide) : pair_(pair), host_(host), collide_(collide) {}

  // Asks for successors and ends what is too old. Once a second.
  void tick();
  // The host has started anew and has no SA any more.
  void forget() { ages_.clear(); }

 private:
  struct Age {
    Timestamp since;
    Timestamp asked{};
  };
  using Key = std::pair<Direction, std::uint32_t>;

  void ask_for_successors();
  void end_old();
  Duration age_of(const SaParameters& sa);

  Pair& pair_;
  Host& host_;
  bool collide_;
  std::map<Key, Age> ages_;
};

struct Traffic {
  std::uint64_t delivered = 0;
  std::uint64_t waited = 0;  // no SA yet: held by the driver
  std::uint64_t lost = 0;    // sent under an SA that the other host does not have
};

class LongLife {
 public:
  LongLife(std::uint64_t seed, const PolicyOptions& options, bool collide);

  // One packet each way every ten seconds.
  void run(std::chrono::seconds duration);
  // The IKE service of this host ends without a word and is started again.
  void crash_ike(Host& host);
  // The whole host starts anew.
  void restart(Host& host);
  // The clock of both hosts leaps, as after a sleep of the machine they share.
  void jump(Duration forward) { pair.now = pair.now + forward; }

  Pair pair;
  Traffic traffic;
  std::set<std::uint32_t> spis_used;  // of a's outbound SAs

 private:
  void send_packet(Host& from);
  void tell_capabilities(Host& host);

  PolicyOptions options_;
  AgeingDriver driver_a_;
  AgeingDriver driver_b_;
  std::uint64_t next_acquire_ = 1;
};

}  // namespace ipsec::ike::tests
