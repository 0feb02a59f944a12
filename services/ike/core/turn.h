#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/crypto/random.h"
#include "services/common/time.h"
#include "services/ike/core/actions.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_table.h"
#include "services/ike/core/negotiation_log.h"
#include "services/ike/core/policy.h"
#include "services/ike/core/quick_mode_table.h"
#include "services/ike/core/soft_sa_table.h"
#include "services/ike/core/statistics.h"

// What the engine keeps between events, and one turn of it: the handling of one event at one time. Free functions in
// main_mode.h, quick_mode.h, informational.h, wishes.h and upkeep.h work on a turn.
namespace ipsec::ike {

// Whose question an unanswered request is.
struct PendingRequest {
  enum class Kind { kReserveSpi, kInstallSa, kComputeDh, kProveIdentity, kVerifyPeer };
  Kind kind = Kind::kComputeDh;
  std::uint64_t handle = 0;      // of the main mode SA
  std::uint32_t message_id = 0;  // of the quick mode; 0: main mode itself
  // So that an SPI or SA that nobody waits for any more can be given back.
  DeleteSa undo;
  std::uint64_t soft_sa = 0;  // the attempt at a soft SA that asks; 0: a main or quick mode
};

// One quick mode among those of all main mode SAs.
struct QuickModeName {
  std::uint64_t handle = 0;  // of the main mode SA
  std::uint32_t message_id = 0;
};

// A datagram sent several times because nobody acknowledges it.
struct RepeatedDatagram {
  SendDatagram datagram;
  std::uint64_t handle = 0;  // of the main mode SA: while it is there, to where its peer is then
  int left = 0;
  Duration pause{};
};

// A first message refused a moment ago: its repetitions get the same answer and no new event.
struct RefusedMessage1 {
  Timestamp forget_at;
  Bytes answer;  // empty: none
};

// So many in a second, counted from the first one.
class RateLimit {
 public:
  explicit RateLimit(int per_second) : per_second_(per_second) {}
  bool allows(Timestamp now);

 private:
  int per_second_;
  int used_ = 0;
  Timestamp window_{};
};

struct EngineState {
  RandomSource& random;
  IkePolicy policy{};
  Statistics statistics{};
  MainModeTable main_modes{};
  QuickModeTable quick_modes{};
  SoftSaTable soft_sas{};
  std::uint64_t next_request = 1;
  std::uint16_t last_fragment_id = 0;
  DriverCapable driver{};  // what the driver has said last
  CertificateSummary certificates{};
  absl::flat_hash_map<std::uint64_t, PendingRequest> requests{};
  std::multimap<Timestamp, RepeatedDatagram> repeated{};
  std::map<std::pair<Endpoint, Cookie>, RefusedMessage1> refused{};
  NegotiationLog failed{};
  std::vector<QuickModeName> awaiting_filter{};  // some of them may have ended; see default_response.h
  std::size_t waiting = 0;                       // wishes waiting in all main mode SAs
  bool telling_keys = false;                     // an administrator exports keys
  RateLimit invalid_cookie_answers{kInvalidCookieAnswersPerSecond};
  RateLimit unproven_reports{kUnprovenReportsPerSecond};
};

struct Turn {
  EngineState& state;
  Timestamp now;
  Actions actions{};

  void send(const Endpoint& local, const Endpoint& peer, Bytes bytes);
  // In pieces where this SA needs them.
  void send(const MainModeSa& sa, Bytes bytes);
  // Now and kDeleteRepetitions times more.
  void send_repeatedly(const MainModeSa& sa, const Bytes& bytes);

  void compute(const MainModeSa& sa, std::uint32_t message_id, MainModeEffects::Compute work);
  void prove(const MainModeSa& sa, ProofRequest request);
  void verify(const MainModeSa& sa, PeerClaim claim);
  void reserve_spi(const MainModeSa& sa, std::uint32_t message_id, SecurityProtocol protocol);
  void install(const MainModeSa& sa, std::uint32_t message_id, SaParameters parameters);
  void delete_sa(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer);
  void delete_pair(const QuickModeSaPair& pair);

  using Fields = std::map<std::string, std::string>;
  void report(std::string name, Severity severity, std::string text, Fields fields);
  // `text` is called only where the levels ask for it.
  template <typename Text>
  void log(LogCategory category, LogLevel level, Text text) {
    if (state.policy.log_levels.wants(category, level)) actions.emplace_back(WriteLog{category, text()});
  }
  // A negotiation came to nothing: the event of that name, and a place in the log. `text` says what failed; reason,
  // names and terms are appended from `failed`.
  void report_failed(FailedNegotiation failed, const std::string& text, Fields fields = {});
  // Whether a failure that anybody could have caused in anybody's name may be reported now; counted where not.
  bool may_report_unproven();
  // The same for a first message that gets no answer; false for its repetitions, too.
  bool may_report_unanswered(const Endpoint& peer, Cookie initiator);
  // First messages refused long ago.
  void forget_refused();
  // With the addresses, role and rule of the SA.
  void report(const MainModeSa& sa, std::string name, Severity severity, std::string text, Fields fields = {});
};

// "10.0.0.1:500", rule and role of an SA as event fields.
Turn::Fields fields_of(const MainModeSa& sa);

}  // namespace ipsec::ike
