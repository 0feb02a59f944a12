#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "proto/policyagent.pb.h"
#include "services/common/time.h"

// What the monitor knows: the newest answers of the agent, and what changed since the ones before. Pure: time comes
// with each sample.
namespace ipsec::cli::monitor {

// One round of questions. A part that was not answered is absent, and `failures` says why.
struct Sample {
  Timestamp at;
  std::int64_t wall_clock = 0;  // UTC seconds
  std::optional<policyagent::v1::AgentStatus> status;
  std::optional<policyagent::v1::ListMainModeSasReply> main_mode_sas;
  std::optional<policyagent::v1::ListSasReply> quick_mode_sas;
  std::optional<policyagent::v1::Statistics> statistics;
  std::optional<policyagent::v1::ListEventsReply> events;
  std::vector<std::string> failures;
};

// Per second, between the last two samples that have the thing; absent before there are two.
struct Rate {
  std::optional<double> bytes;
  std::optional<double> packets;
};

struct QuickModeRow {
  policyagent::v1::SaStatus sa;
  Rate rate;
};

struct CounterRow {
  std::string name;
  std::string text;
  std::uint64_t value = 0;
  std::optional<double> per_second;
};

class Model {
 public:
  // Samples come in the order of their time. An SA or counter that shrank was made anew: it has no rate this time.
  void update(Sample sample);

  // Nothing before the first update.
  const Sample& latest() const { return latest_; }
  // In the agent's order.
  const std::vector<QuickModeRow>& quick_modes() const { return quick_modes_; }
  // Packets dropped, by reason, the most frequent first; reasons that never occurred are left out. Where the driver
  // does not say which verdicts are drops, these are all verdicts and drops_are_known() is false.
  const std::vector<CounterRow>& drops() const { return drops_; }
  bool drops_are_known() const { return drops_are_known_; }
  const std::vector<CounterRow>& ike_counters() const { return ike_counters_; }
  const std::vector<CounterRow>& driver_counters() const { return driver_counters_; }
  // Sums over the SAs of a direction.
  Rate total(policyagent::v1::Direction direction) const;
  // Absent where drops are not known.
  std::optional<std::uint64_t> dropped_packets() const;

 private:
  struct Count {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  // An inbound SPI is this host's, an outbound one the peer's: only all of it names an SA.
  using SaKey = std::tuple<int, int, std::uint32_t, std::string>;

  void update_quick_modes(double seconds);
  std::vector<CounterRow> counters_with_rates(
      const google::protobuf::RepeatedPtrField<policyagent::v1::Counter>& counters, const std::string& prefix,
      double seconds);
  void update_drops(double seconds);

  Sample latest_;
  bool has_sample_ = false;
  bool drops_are_known_ = false;
  std::vector<QuickModeRow> quick_modes_;
  std::vector<CounterRow> drops_;
  std::vector<CounterRow> ike_counters_;
  std::vector<CounterRow> driver_counters_;
  std::map<SaKey, Count> sa_counts_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace ipsec::cli::monitor
