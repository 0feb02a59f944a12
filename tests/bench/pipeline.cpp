#include <chrono>
#include <cstdlib>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "services/common/crypto/random.h"
#include "services/driver/core/control.h"
#include "services/driver/core/limits.h"
#include "tests/bench/command.h"
#include "tests/bench/cpu_clock.h"
#include "tests/driver/core/packets.h"

// The driver core alone: one worker, packets in memory, no device and no system call.
namespace ipsec::bench {
namespace {

using namespace ipsec::driver;
using Clock = std::chrono::steady_clock;
using driver::tests::IpFields;
using driver::tests::SuperPacket;

constexpr std::uint64_t kOutboundFilter = 1;
constexpr Timestamp kNow{std::chrono::hours(1)};

struct Suite {
  std::string_view name;
  Cipher cipher;
  Integrity integrity;
};
constexpr Suite kSuites[] = {
    {"AES128-GCM", Cipher::kAes128Gcm, Integrity::kNone},
    {"AES256-GCM", Cipher::kAes256Gcm, Integrity::kNone},
    {"AES128-SHA1", Cipher::kAes128Cbc, Integrity::kSha1},
    {"AES256-SHA256", Cipher::kAes256Cbc, Integrity::kSha256},
};

// What the host sends: `count` packets of `data` octets of TCP payload, super-packets where that is more than a
// segment.
struct Load {
  std::string_view name;
  std::size_t data;
  std::size_t count;
};
constexpr Load kLoads[] = {
    {"super-packets of 64 KB", 64000, 4},
    {"packets of 1400 octets", 1360, limits::kBatchPackets},
    {"packets of 64 octets", 24, limits::kBatchPackets},
};
constexpr std::uint16_t kSegmentSize = 1400;

// One host of a pair with an SA from left to right, in transport mode, under a policy that protects everything.
class Host {
 public:
  explicit Host(const IpAddress& own)
      : own_(own), control_(system_random()), worker_(*control_.make_worker(system_random())) {
    Filter outbound;
    outbound.id = kOutboundFilter;
    outbound.action = Action::kNegotiate;
    Policy policy;
    policy.active = true;
    policy.filters = {outbound};
    policy.local_addresses = {own};
    if (!control_.set_policy(std::move(policy)).ok()) std::abort();
  }
  Control& control() { return control_; }
  const IpAddress& own() const { return own_; }
  Output& process(std::span<Packet> packets, bool outbound) {
    output_.clear();
    const TablesPointer tables = control_.tables();
    if (outbound) {
      worker_->process_outbound(packets, *tables, kNow, output_);
    } else {
      worker_->process_inbound(packets, *tables, kNow, output_);
    }
    return output_;
  }

 private:
  IpAddress own_;
  Control control_;
  std::unique_ptr<Worker> worker_;
  Output output_;
};

Status connect(Host& left, Host& right, const Suite& suite) {
  IPSEC_ASSIGN_OR_RETURN(const EspSuite sizes, EspSuite::of(suite.cipher, suite.integrity));
  IPSEC_ASSIGN_OR_RETURN(const std::uint32_t spi,
                         right.control().reserve_spi(SecurityProtocol::kEsp, right.own(), left.own(), kNow));
  SaParameters sa;
  sa.spi = spi;
  sa.source = left.own();
  sa.destination = right.own();
  sa.filter_id = kOutboundFilter;
  sa.cipher = suite.cipher;
  sa.integrity = suite.integrity;
  sa.encryption_key = SecretBytes(sizes.cipher_key_size);
  sa.integrity_key = SecretBytes(sizes.integrity_key_size);
  sa.replay_window = limits::kMaxReplayWindow;
  IPSEC_RETURN_IF_ERROR(left.control().install_sa(sa, kNow));
  sa.direction = Direction::kInbound;
  return right.control().install_sa(sa, kNow);
}

struct Times {
  std::chrono::nanoseconds outbound{};
  std::chrono::nanoseconds inbound{};
  std::uint64_t wire_packets = 0;
  std::uint64_t payload = 0;
  std::uint64_t delivered = 0;
};

// One batch to the wire and up again. The copies in between stand for the wire and are not timed.
void run_batch(Host& left, Host& right, std::span<Packet> packets, std::size_t payload, Times& times,
               std::vector<Bytes>& wire) {
  const auto start = cpu_time();
  const Output& sent = left.process(packets, true);
  times.outbound += cpu_time() - start;
  std::vector<Packet> arrived;
  wire.resize(std::max(wire.size(), sent.to_wire.size()));
  for (std::size_t i = 0; i < sent.to_wire.size(); ++i) {
    const ByteView piece = sent.to_wire[i].pieces.front();
    wire[i].assign(piece.begin(), piece.end());
    arrived.push_back({wire[i], {}});
  }
  times.wire_packets += arrived.size();
  for (std::size_t at = 0; at < arrived.size(); at += limits::kBatchPackets) {
    const auto batch = std::span(arrived).subspan(at, std::min(limits::kBatchPackets, arrived.size() - at));
    const auto began = cpu_time();
    const Output& received = right.process(batch, false);
    times.inbound += cpu_time() - began;
    for (std::size_t i = 0; i < received.to_host.size(); ++i) times.delivered += received.to_host[i].size;
  }
  times.payload += payload;
}

Status measure(const Suite& suite, const Load& load, double seconds, Report& report) {
  Host left(IpAddress::v4(0x0A4D0001)), right(IpAddress::v4(0x0A4D0002));
  IPSEC_RETURN_IF_ERROR(connect(left, right, suite));
  const Bytes data(load.data);
  SuperPacket packet = driver::tests::tcp_super_packet({left.own(), right.own()}, {}, data, kSegmentSize);
  if (load.data <= kSegmentSize) packet.offload.segmentation = Segmentation::kNone;
  std::vector<Packet> packets(load.count, Packet{packet.bytes, packet.offload});
  Times times;
  std::vector<Bytes> wire;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) run_batch(left, right, packets, load.count * load.data, times, wire);
  if (times.delivered < times.payload) {
    return refused(
        fmt::format("{}, {}: {} octets of {} were delivered", suite.name, load.name, times.delivered, times.payload));
  }
  const auto figure = [&](std::string_view direction, std::chrono::nanoseconds time) {
    const double spent = std::chrono::duration<double>(time).count();
    report.add({{"suite", suite.name},
                {"load", load.name},
                {"direction", direction},
                {"ns per ESP packet", spent * 1e9 / static_cast<double>(times.wire_packets)},
                {"Gbit/s of payload", static_cast<double>(times.payload) * 8 / spent / 1e9}});
  };
  figure("out", times.outbound);
  figure("in", times.inbound);
  return {};
}

}  // namespace

Benchmark declare_pipeline(CLI::App& app) {
  auto seconds = std::make_shared<double>(1.0);
  app.add_option("--seconds", *seconds, "For each suite and load")->check(CLI::Range(0.01, 60.0));
  return [seconds](Report& report) -> Status {
    report.settings()["seconds"] = *seconds;
    report.settings()["workers"] = 1;
    for (const Suite& suite : kSuites) {
      for (const Load& load : kLoads) IPSEC_RETURN_IF_ERROR(measure(suite, load, *seconds, report));
    }
    return {};
  };
}

}  // namespace ipsec::bench
