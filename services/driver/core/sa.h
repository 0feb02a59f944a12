#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/address.h"
#include "services/common/algorithms.h"
#include "services/common/result.h"
#include "services/common/secret.h"
#include "services/common/selector.h"
#include "services/common/time.h"
#include "services/driver/core/events.h"
#include "services/driver/core/path_mtu.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/replay_window.h"
#include "services/driver/crypto/ah_keys.h"
#include "services/driver/crypto/esp_engine.h"

// One security association: parameters that never change, and the few numbers that workers change.
namespace ipsec::driver {

enum class Encapsulation : std::uint8_t { kTunnel = 1, kTransport = 2 };

// As the messages of these names in proto/driver.proto.
struct AroundEsp {
  std::uint32_t spi = 0;  // host order
  Integrity integrity = Integrity::kNone;
  SecretBytes key;
};
struct UdpEncapsulation {
  std::uint16_t local_port = 0;
  std::uint16_t peer_port = 0;
  std::optional<IpAddress> original_source;
  std::optional<IpAddress> original_destination;
};

// As message Sa of proto/driver.proto.
struct SaParameters {
  std::uint32_t spi = 0;  // host order
  Direction direction = Direction::kOutbound;
  SecurityProtocol protocol = SecurityProtocol::kEsp;
  Encapsulation encapsulation = Encapsulation::kTransport;
  IpAddress source;  // outer addresses of the packets that carry it
  IpAddress destination;
  Selector selector;  // traffic in this SA's direction
  std::uint64_t filter_id = 0;
  Cipher cipher = Cipher::kNull;
  Integrity integrity = Integrity::kNone;
  SecretBytes encryption_key;  // with the salt appended for AEAD
  SecretBytes integrity_key;
  std::uint32_t replay_window = 0;     // packets; 0: limits::kDefaultReplayWindow
  std::uint32_t lifetime_seconds = 0;  // hard; 0: none
  std::uint64_t lifetime_kilobytes = 0;
  std::uint32_t pair_spi = 0;
  std::uint32_t replaces_spi = 0;
  std::uint64_t main_mode_id = 0;
  std::uint32_t pfs_group = 0;
  std::string rule_name;
  std::string quick_mode_policy;
  bool initiator = false;
  bool extended_sequence = false;
  std::optional<AroundEsp> ah;  // a bundle of two: AH around ESP
  std::optional<UdpEncapsulation> udp;
  bool soft = false;
  bool manual = false;
  std::uint64_t last_sequence = 0;

  const IpAddress& peer() const { return direction == Direction::kOutbound ? destination : source; }
  const IpAddress& local() const { return direction == Direction::kOutbound ? source : destination; }
};

// Where an SA stands with the provider of offload (seed rows OFF-04, OFF-05): asked for by the first packet that could
// use it, then answered. What has failed is not tried again.
enum class OffloadState : std::uint8_t { kNone, kRequested, kActive, kFailed };
std::string_view to_string(OffloadState state);

// For listings; without keys.
struct SaStatus {
  SaParameters sa;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // of the packets before ESP
  Duration age{};
  Duration idle{};
  bool soft_expired = false;
  bool dying = false;
  std::string_view engine;  // that does its cryptography where no provider of offload does; empty: soft
  OffloadState offload = OffloadState::kNone;
  std::uint64_t offloaded_packets = 0;  // among `packets`
  std::uint64_t last_sequence = 0;
  bool ended = false;
  // Outbound, not soft: octets of the packets around, and of the largest packet inside (a transport SA's with an IP
  // header without options). 0: does not apply.
  std::uint16_t path_mtu = 0;
  PathMtuSource path_mtu_source = PathMtuSource::kLink;
  std::uint16_t inner_mtu = 0;
};

// What one use of an SA leads to.
struct SaUse {
  bool allowed = true;               // false: beyond its kilobytes; discard
  std::optional<RekeyReason> rekey;  // beyond a soft limit, and time to ask (Sa::ask_rekey)
};

// What an SA has from where it is installed.
struct SaSurroundings {
  // Does its ESP where it can, OpenSSL where it cannot; without a name the fastest.
  std::optional<EspBackend> engine = {};
  std::shared_ptr<PathMtu> path = {};  // what the other SA of the pair knows of the path; null: nothing is known
  std::uint64_t iv_start = 0;          // of a manual SA, random: see iv_start()
};

// Shared by workers and the control side: everything that changes is atomic.
class Sa : public std::enable_shared_from_this<Sa> {
 public:
  // Refuses key sizes, unknown suites, ESP without integrity (RFC 8221 section 4), addresses of different families, a
  // replay window out of range, AH in UDP (NAT-05), a manual SA that is soft or of a filter. Keeps no copy of the keys
  // but the expanded ones.
  static Result<std::shared_ptr<Sa>> make(SaParameters parameters, Timestamp now, SaSurroundings surroundings = {});

  const SaParameters& parameters() const { return parameters_; }  // keys are empty
  // A soft SA has neither, a bundle both.
  bool has_esp() const { return keys_ != nullptr; }
  bool has_ah() const { return ah_keys_ != nullptr; }
  bool is_soft() const { return parameters_.soft; }
  bool is_manual() const { return parameters_.manual; }
  // Require has_esp().
  const EspKeys& keys() const { return *keys_; }
  const EspSuite& suite() const { return keys_->suite(); }
  // Require has_ah().
  const AhKeys& ah_keys() const { return *ah_keys_; }
  std::uint32_t ah_spi() const { return parameters_.ah ? parameters_.ah->spi : parameters_.spi; }
  // That does its cryptography; empty: soft.
  std::string_view engine_name() const;
  bool is_confidential() const { return has_esp() && suite().cipher != Cipher::kNull; }
  bool is_tunnel() const { return parameters_.encapsulation == Encapsulation::kTunnel; }
  // Whether the selector asks for ports, so that fragments cannot be checked against it.
  bool selects_ports() const { return selects_ports_; }

  // Takes `count` sequence numbers in a row and returns the first. nullopt: fewer are left; they never wrap (RFC 4303
  // 3.3.3), and none is taken.
  std::optional<std::uint64_t> take_sequence(std::uint64_t count);
  // Both numbers of a bundle are the same on the way out; on the way in each has a window of its own.
  ReplayWindow& esp_window() { return window_; }
  ReplayWindow& ah_window() { return ah_window_ ? *ah_window_ : window_; }
  bool sequence_is_exhausted() const { return last_sequence() >= last_allowed_sequence(); }
  std::uint64_t last_sequence() const { return next_sequence_.load(std::memory_order_relaxed) - 1; }
  // What an AEAD's IV is ahead of the sequence number. IVs may never repeat under one key (RFC 4106 section 3.1), and
  // the keys of a manual SA, alone, may come again with numbers that begin anew: then it is random, elsewhere 0.
  std::uint64_t iv_start() const { return iv_start_; }
  // Of AH around ESP it is the other half of all values: should both have one key, no IV serves twice.
  std::uint64_t ah_iv_start() const { return has_esp() ? iv_start_ ^ (std::uint64_t{1} << 63U) : iv_start_; }

  // The whole number of a packet that shows `low` of it.
  std::uint64_t sequence_of(const ReplayWindow& window, std::uint32_t low) const {
    return parameters_.extended_sequence ? window.infer(low) : low;
  }

  OffloadState offload() const { return offload_.load(std::memory_order_acquire); }
  // True for the one caller who is to tell the provider.
  bool request_offload() {
    OffloadState expected = OffloadState::kNone;
    return offload_.compare_exchange_strong(expected, OffloadState::kRequested, std::memory_order_acq_rel);
  }
  void set_offload(OffloadState state) { offload_.store(state, std::memory_order_release); }
  void count_offloaded(std::uint64_t packets) { offloaded_packets_.fetch_add(packets, std::memory_order_relaxed); }
  std::uint64_t offloaded_packets() const { return offloaded_packets_.load(std::memory_order_relaxed); }

  // Counts packets and their octets before ESP, and notes the time of use.
  SaUse use(std::uint64_t packets, std::uint64_t bytes, Timestamp now);
  bool is_expired() const { return bytes() >= hard_bytes_.load(std::memory_order_relaxed); }
  // From now on it is expired.
  void expire() { hard_bytes_.store(0, std::memory_order_relaxed); }
  std::uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  Timestamp last_used() const { return {Duration(last_used_.load(std::memory_order_relaxed))}; }
  Timestamp installed() const { return installed_; }

  // The peer's port of ESP in UDP, as the NAT shows it now; 0: not in UDP.
  std::uint16_t udp_port() const { return udp_port_.load(std::memory_order_relaxed); }
  // The port before, if this is another one.
  std::optional<std::uint16_t> follow_udp_port(std::uint16_t port) {
    const std::uint16_t before = udp_port_.exchange(port, std::memory_order_relaxed);
    return before == port ? std::nullopt : std::optional(before);
  }

  PathMtu& path() const { return *path_; }
  const std::shared_ptr<PathMtu>& shared_path() const { return path_; }

  // Seconds and octets at which a successor is asked for; kNever and the largest number where there is no limit.
  Timestamp soft_end() const { return soft_end_; }
  Timestamp hard_end() const { return hard_end_; }
  // True for one caller in limits::kRekeyRepeat, whoever notices first that a successor is needed.
  bool ask_rekey(Timestamp now);
  // Which soft limit is behind us. Time is looked at by the control side only.
  std::optional<RekeyReason> soft_limit_reached(Timestamp now) const;

 private:
  struct Keys {
    std::shared_ptr<const EspKeys> esp;
    std::shared_ptr<const AhKeys> ah;
  };
  static Result<Keys> expand(const SaParameters& parameters, std::optional<EspBackend> engine);
  Sa(SaParameters parameters, Keys keys, Timestamp now, SaSurroundings surroundings);
  std::uint64_t last_allowed_sequence() const;
  std::optional<RekeyReason> amount_limit_reached() const;

  SaParameters parameters_;
  std::shared_ptr<const EspKeys> keys_;
  std::shared_ptr<const AhKeys> ah_keys_;
  bool selects_ports_;
  std::uint64_t iv_start_;
  Timestamp installed_;
  Timestamp soft_end_ = kNever;
  Timestamp hard_end_ = kNever;
  std::uint64_t soft_bytes_;
  std::atomic<std::uint64_t> hard_bytes_;
  ReplayWindow window_;
  std::optional<ReplayWindow> ah_window_;  // of a bundle
  std::shared_ptr<PathMtu> path_;
  std::atomic<std::uint16_t> udp_port_;
  std::atomic<OffloadState> offload_{OffloadState::kNone};
  // What each packet changes, on a cache line apart from what each packet reads.
  alignas(64) std::atomic<std::uint64_t> next_sequence_{1};
  std::atomic<std::uint64_t> packets_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> offloaded_packets_{0};
  std::atomic<std::int64_t> last_used_;
  static constexpr std::int64_t kNotAsked = std::numeric_limits<std::int64_t>::min();
  std::atomic<std::int64_t> rekey_asked_{kNotAsked};
};

using SaPointer = std::shared_ptr<Sa>;

}  // namespace ipsec::driver
