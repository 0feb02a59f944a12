#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "services/driver/core/control.h"
#include "tests/driver/core/packets.h"

// A driver in memory with its control side and one worker, and pairs of them that share keys.
namespace ipsec::driver::tests {

using Stored = MemoryPort::Stored;

constexpr std::uint64_t kFilter = 100;  // the id of the one filter that most tests have

// SPIs as the test wants them, then seeded ones.
class ScriptedRandom : public RandomSource {
 public:
  void next_u32(std::uint32_t value) { scripted_.push_back(value); }
  void fill(MutableByteView out) override;

 private:
  std::deque<std::uint32_t> scripted_;
  SeededRandom seeded_{20030};
};

// Filters with the ids and mirror that the agent would give.
struct FilterPair {
  Filter outbound;
  Filter inbound;
};
FilterPair mirrored(std::uint64_t id, const Selector& outbound, Action action);
Selector between(std::string_view source, std::string_view destination, std::uint8_t protocol = kProtocolAny);

// The addresses that the kernel of a TestHost would name.
class ScriptedAddresses : public OwnAddresses {
 public:
  // Known to the worker from its next batch on.
  void add(std::string_view address);
  void refresh() override { known_ = there_; }
  bool contains(const IpAddress& address) const override { return known_.contains(address); }

 private:
  std::set<IpAddress> there_;
  std::set<IpAddress> known_;
};

class TestHost {
 public:
  explicit TestHost(std::string_view own_address, Control::Engines engines = {});

  const IpAddress& own() const { return own_; }
  Control& control() { return control_; }
  Worker& worker() { return *worker_; }
  ScriptedRandom& random() { return random_; }
  ScriptedAddresses& addresses() { return addresses_; }
  Timestamp now{std::chrono::hours(1)};

  // Puts these filters in force; expects that the policy is accepted.
  void set_filters(std::vector<Filter> filters, Profile profile = Profile::kModern);
  // From the next set_filters() on the policy lists these too, and says that there are no others.
  void list_addresses(const std::vector<std::string_view>& more);

  struct Result {
    std::vector<Stored> to_wire;
    std::vector<Stored> to_host;
    std::vector<DriverEvent> events;
  };
  Result send(const std::vector<Stored>& packets);
  Result send(const Bytes& packet, const OffloadInfo& offload = {}) {
    return send(std::vector<Stored>{{packet, offload}});
  }
  Result receive(const std::vector<Stored>& packets);
  Result receive(const Bytes& packet, const OffloadInfo& offload = {}) {
    return receive(std::vector<Stored>{{packet, offload}});
  }
  Result send_released();
  // What has come back from the provider of offload.
  Result take_offloaded();

  // Of packets so far.
  std::uint64_t count(Verdict verdict) const {
    return control_.statistics().verdicts[static_cast<std::size_t>(verdict)];
  }

 private:
  Result run(std::vector<Stored> packets, bool outbound);

  ScriptedRandom random_;
  SeededRandom iv_random_{7};
  ScriptedAddresses addresses_;
  IpAddress own_;
  std::vector<IpAddress> listed_;
  bool addresses_are_complete_ = false;
  Control control_;
  std::unique_ptr<Worker> worker_;
};

// How an SA between two hosts is made.
struct SaRecipe {
  Cipher cipher = Cipher::kAes128Gcm;
  Integrity integrity = Integrity::kNone;
  Encapsulation encapsulation = Encapsulation::kTransport;
  Selector selector;  // in the direction of the traffic
  std::uint64_t outbound_filter = 0;
  std::uint64_t inbound_filter = 0;
  std::uint32_t lifetime_seconds = 0;
  std::uint64_t lifetime_kilobytes = 0;
  std::uint32_t replay_window = 0;
  std::uint32_t outbound_pair = 0;  // inbound SPI of the sender
  std::uint32_t replaces = 0;
  bool initiator = false;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  Integrity around = Integrity::kNone;  // of AH around ESP
  bool extended_sequence = false;
  std::optional<UdpEncapsulation> udp = {};  // as the sender has it
  bool soft = false;
  std::uint64_t last_sequence = 0;
};
SecretBytes key_of_size(std::size_t size, std::uint8_t first);
// Reserves an SPI at the receiver and installs both ends; expects success. The SPI.
std::uint32_t connect(TestHost& sender, TestHost& receiver, const SaRecipe& recipe);
// One direction of a manual SA at both ends; expects success. The recipe's filters do not count.
void connect_manually(TestHost& sender, TestHost& receiver, const SaRecipe& recipe, std::uint32_t spi);
SaParameters parameters_of(const TestHost& sender, const TestHost& receiver, const SaRecipe& recipe, std::uint32_t spi,
                           Direction direction);

template <typename Event>
std::vector<Event> events_of(const std::vector<DriverEvent>& events) {
  std::vector<Event> found;
  for (const DriverEvent& event : events) {
    if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
  }
  return found;
}

}  // namespace ipsec::driver::tests
