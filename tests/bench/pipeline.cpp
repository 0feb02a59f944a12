#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "services/common/crypto/random.h"
#include "services/driver/core/control.h"
#include "services/driver/core/limits.h"
#include "services/driver/core/look_aside.h"
#include "tests/bench/bare_crypto.h"
#include "tests/bench/command.h"
#include "tests/bench/cpu_clock.h"
#include "tests/driver/core/packets.h"

// The driver core alone: packets in memory, no device and no system call. With each engine; with two workers; with the
// look-aside provider of offload.
namespace ipsec::bench {
namespace {

using namespace ipsec::driver;
using Clock = std::chrono::steady_clock;
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

// What spreading over cores is for.
constexpr Suite kSlowSuite{"3DES-SHA1", Cipher::kTripleDes, Integrity::kSha1};

// What the host sends: `count` packets of `data` octets of TCP payload, super-packets where that is more than a
// segment.
struct Load {
  std::string_view name;
  std::size_t data;
  std::size_t count;
};
constexpr Load kSuperPackets{"super-packets of 64 KB", 64000, 4};
constexpr Load kLargePackets{"packets of 1408 octets", 1368, limits::kBatchPackets};
constexpr Load kSmallPackets{"packets of 64 octets", 24, limits::kBatchPackets};
constexpr std::uint16_t kSegmentSize = 1400;

// One end: a control side with a worker for each peer, under a policy that protects everything.
class Side {
 public:
  Side(std::vector<IpAddress> own, unsigned workers, Control::Engines engines)
      : own_(std::move(own)), control_(system_random(), engines), outputs_(workers) {
    Filter outbound;
    outbound.id = kOutboundFilter;
    outbound.action = Action::kNegotiate;
    Policy policy;
    policy.active = true;
    policy.filters = {outbound};
    policy.local_addresses = own_;
    if (!control_.set_policy(std::move(policy)).ok()) std::abort();
    for (unsigned i = 0; i < workers; ++i) workers_.push_back(*control_.make_worker(system_random()));
  }
  Control& control() { return control_; }
  const std::vector<IpAddress>& own() const { return own_; }
  Worker& worker(unsigned index) { return *workers_[index]; }
  Output& output(unsigned index) { return outputs_[index]; }
  // After the last change of the control side; workers may run then.
  void publish() { tables_ = control_.tables(); }
  const Tables& tables() const { return *tables_; }

 private:
  std::vector<IpAddress> own_;
  Control control_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Output> outputs_;
  TablesPointer tables_;
};

// A host on the left that sends to as many on the right as it has workers.
class Pair {
 public:
  Pair(unsigned workers, Control::Engines engines)
      : left({IpAddress::v4(0x0A4D0001)}, workers, engines), right(addresses(workers), workers, engines) {}

  Status connect(const Suite& suite) {
    for (const IpAddress& peer : right.own()) IPSEC_RETURN_IF_ERROR(connect(suite, peer));
    left.publish();
    right.publish();
    return {};
  }

  Side left;
  Side right;

 private:
  static std::vector<IpAddress> addresses(unsigned count) {
    std::vector<IpAddress> all;
    for (unsigned i = 0; i < count; ++i) all.push_back(IpAddress::v4(0x0A4D0101 + i));
    return all;
  }

  Status connect(const Suite& suite, const IpAddress& peer) {
    IPSEC_ASSIGN_OR_RETURN(const EspSuite sizes, EspSuite::of(suite.cipher, suite.integrity));
    const IpAddress& own = left.own().front();
    IPSEC_ASSIGN_OR_RETURN(const std::uint32_t spi,
                           right.control().reserve_spi(SecurityProtocol::kEsp, peer, own, kNow));
    SaParameters sa;
    sa.spi = spi;
    sa.source = own;
    sa.destination = peer;
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
};

// The packets of one worker, from the host to the wire and up again on the other side.
class Traffic {
 public:
  Traffic(Pair& pair, unsigned worker, const Load& load)
      : pair_(pair), worker_(worker), data_(load.data), payload_(load.count * load.data) {
    packet_ =
        driver::tests::tcp_super_packet({pair.left.own().front(), pair.right.own()[worker]}, {}, data_, kSegmentSize);
    if (load.data <= kSegmentSize) packet_.offload.segmentation = Segmentation::kNone;
    packets_.assign(load.count, Packet{packet_.bytes, packet_.offload});
  }

  // One batch. The copies in between stand for the wire and are not timed.
  void run() {
    Output& sent = send();
    std::vector<Packet> arrived;
    wire_.resize(std::max(wire_.size(), sent.to_wire.size()));
    for (std::size_t i = 0; i < sent.to_wire.size(); ++i) {
      const ByteView piece = sent.to_wire[i].pieces.front();
      wire_[i].assign(piece.begin(), piece.end());
      arrived.push_back({wire_[i], {}});
    }
    std::uint64_t inbound = 0;
    for (std::size_t at = 0; at < arrived.size(); at += limits::kBatchPackets) {
      const auto batch = std::span(arrived).subspan(at, std::min(limits::kBatchPackets, arrived.size() - at));
      Output& received = pair_.right.output(worker_);
      received.clear();
      const std::uint64_t start = time_stamp();
      pair_.right.worker(worker_).process_inbound(batch, pair_.right.tables(), kNow, received);
      inbound += time_stamp() - start;
      for (std::size_t i = 0; i < received.to_host.size(); ++i) delivered_ += received.to_host[i].size;
    }
    expected_ += payload_;
    wire_packets_ += arrived.size();
    in_a_batch_ = arrived.size();
    inbound_ = std::min(inbound_, inbound);
  }

  // Only the way out; what is still with the provider is not in the output.
  Output& send() {
    Output& sent = pair_.left.output(worker_);
    sent.clear();
    const std::uint64_t start = time_stamp();
    pair_.left.worker(worker_).process_outbound(packets_, pair_.left.tables(), kNow, sent);
    outbound_ = std::min(outbound_, time_stamp() - start);
    return sent;
  }

  // A figure of packets that were not delivered would be worth nothing.
  Status check() const {
    if (delivered_ >= expected_) return {};
    return refused(fmt::format("{} octets of {} were delivered", delivered_, expected_));
  }
  // Of the shortest batches, which nobody interrupted.
  double outbound_cycles() const { return static_cast<double>(outbound_) / static_cast<double>(in_a_batch_); }
  double inbound_cycles() const { return static_cast<double>(inbound_) / static_cast<double>(in_a_batch_); }
  std::uint64_t wire_packets() const { return wire_packets_; }
  // Octets of payload for each ESP packet.
  double payload_each() const { return static_cast<double>(payload_) / static_cast<double>(in_a_batch_); }
  // The packets of the last batch as they arrived; they are open now.
  const std::vector<Bytes>& wire() const { return wire_; }

 private:
  Pair& pair_;
  unsigned worker_;
  Bytes data_;
  std::size_t payload_;
  SuperPacket packet_;
  std::vector<Packet> packets_;
  std::vector<Bytes> wire_;
  std::size_t in_a_batch_ = 1;
  std::uint64_t outbound_ = ~std::uint64_t{0};
  std::uint64_t inbound_ = ~std::uint64_t{0};
  std::uint64_t delivered_ = 0;
  std::uint64_t expected_ = 0;
  std::uint64_t wire_packets_ = 0;
};

struct Cycles {
  double outbound = 0;
  double inbound = 0;
};

// What the library alone takes to seal the very packets that came out, with the keys that lie ready.
std::optional<double> bare_cycles(const Suite& suite, const std::vector<Bytes>& wire) {
  const EspSuite sizes = *EspSuite::of(suite.cipher, suite.integrity);
  const SecretBytes cipher_key(sizes.cipher_key_size), integrity_key(sizes.integrity_key_size);
  const auto bare = make_bare_ipsec_mb(sizes, cipher_key, integrity_key);
  const auto keys = make_esp_keys(suite.cipher, suite.integrity, cipher_key, integrity_key);
  if (bare == nullptr || !keys.ok()) return std::nullopt;
  std::vector<Bytes> packets(wire.begin(),
                             wire.begin() + static_cast<std::ptrdiff_t>(std::min(wire.size(), limits::kBatchPackets)));
  std::vector<EspJob> jobs;
  for (Bytes& packet : packets) jobs.push_back({keys->get(), MutableByteView(packet).subspan(kIpv4HeaderSize)});
  std::uint64_t best = ~std::uint64_t{0};
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t start = time_stamp();
    bare->seal(jobs);
    best = std::min(best, time_stamp() - start);
  }
  return static_cast<double>(best) / static_cast<double>(jobs.size());
}

class Pipeline {
 public:
  Pipeline(double seconds, Report& report)
      : seconds_(seconds), cycles_per_ns_(cycles_per_nanosecond()), report_(report) {}

  Status compare_engines(const Suite& suite, const Load& load) {
    std::optional<Cycles> fast;
    std::optional<double> bare;
    if (is_available(EspBackend::kMultiBuffer)) {
      IPSEC_ASSIGN_OR_RETURN(fast, measure(suite, load, EspBackend::kMultiBuffer, &bare));
    }
    IPSEC_ASSIGN_OR_RETURN(const Cycles openssl, measure(suite, load, EspBackend::kOpenssl, nullptr));
    if (!fast) return {};
    Json& ratios = report_.ratios();
    ratios[fmt::format("{}, {} out: OpenSSL to intel-ipsec-mb", suite.name, load.name)] =
        openssl.outbound / fast->outbound;
    ratios[fmt::format("{}, {} in: OpenSSL to intel-ipsec-mb", suite.name, load.name)] =
        openssl.inbound / fast->inbound;
    if (!bare) return {};
    ratios[fmt::format("{}, {} out: intel-ipsec-mb to bare calls of it", suite.name, load.name)] =
        fast->outbound / *bare;
    return {};
  }

  // Each worker has its own peer and SA, as the steering gives them to it; the tables are the same.
  Status compare_workers(const Suite& suite, const Load& load) {
    double by_wall_clock[2] = {}, by_cpu_time[2] = {};
    for (int turn = 0; turn < kTurns; ++turn) {
      for (const unsigned workers : {1U, 2U}) {
        Pair pair(workers, {});
        IPSEC_RETURN_IF_ERROR(pair.connect(suite));
        std::vector<std::future<Rate>> running;
        for (unsigned i = 0; i < workers; ++i) {
          running.push_back(std::async(std::launch::async, [&, i] { return run_worker(pair, i, load); }));
        }
        Rate sum;
        for (auto& each : running) {
          const Rate rate = each.get();
          sum.wall += rate.wall;
          sum.cpu += rate.cpu;
        }
        by_wall_clock[workers - 1] = std::max(by_wall_clock[workers - 1], sum.wall);
        by_cpu_time[workers - 1] = std::max(by_cpu_time[workers - 1], sum.cpu);
      }
    }
    for (const unsigned workers : {1U, 2U}) {
      report_.add({{"suite", suite.name},
                   {"load", load.name},
                   {"direction", "out and in"},
                   {"workers", workers},
                   {"packets a second", by_wall_clock[workers - 1]},
                   {"packets a second of CPU", by_cpu_time[workers - 1]}});
    }
    const std::string what = fmt::format("{}, {}: two workers to one", suite.name, load.name);
    report_.ratios()[what + ", by wall clock"] = by_wall_clock[1] / by_wall_clock[0];
    report_.ratios()[what + ", by CPU time"] = by_cpu_time[1] / by_cpu_time[0];
    return {};
  }

  // One SA, one worker: alone, and with a helper of the look-aside provider.
  Status compare_look_aside(const Suite& suite, const Load& load) {
    Rate best[2];
    for (int turn = 0; turn < kTurns; ++turn) {
      for (const bool helped : {false, true}) {
        LookAside aside;
        std::thread helper;
        if (helped) helper = std::thread([&aside] { help(aside); });
        const auto rate = run_sender(suite, load, helped ? &aside : nullptr);
        aside.stop();
        if (helper.joinable()) helper.join();
        IPSEC_RETURN_IF_ERROR(rate.status());
        Rate& known = best[helped ? 1 : 0];
        known.wall = std::max(known.wall, rate->wall);
        known.cpu = std::max(known.cpu, rate->cpu);
      }
    }
    for (const int helped : {0, 1}) {
      report_.add({{"suite", suite.name},
                   {"load", load.name},
                   {"direction", "out"},
                   {"engine", helped == 0 ? "no offload" : "look-aside"},
                   {"threads for one SA", helped + 1},
                   {"packets a second", best[helped].wall},
                   {"packets a second of CPU", best[helped].cpu}});
    }
    const std::string what = fmt::format("{}, {}: one SA with look-aside on two threads to one", suite.name, load.name);
    report_.ratios()[what + ", by wall clock"] = best[1].wall / best[0].wall;
    report_.ratios()[what + ", by the worker's CPU time"] = best[1].cpu / best[0].cpu;
    return {};
  }

 private:
  static constexpr int kTurns = 3;
  // ESP packets for each second.
  struct Rate {
    double wall = 0;
    double cpu = 0;  // of the worker's thread
  };

  Result<Cycles> measure(const Suite& suite, const Load& load, EspBackend engine, std::optional<double>* bare) {
    Pair pair(1, {engine, nullptr});
    IPSEC_RETURN_IF_ERROR(pair.connect(suite));
    Traffic traffic(pair, 0, load);
    const auto end = Clock::now() + std::chrono::duration<double>(seconds_);
    while (Clock::now() < end) traffic.run();
    if (const Status status = traffic.check(); !status.ok()) {
      return with_context(status, fmt::format("{}, {}", suite.name, load.name));
    }
    const Cycles cycles{traffic.outbound_cycles(), traffic.inbound_cycles()};
    add_figure(suite, load, name_of(engine), "out", cycles.outbound, traffic.payload_each());
    add_figure(suite, load, name_of(engine), "in", cycles.inbound, traffic.payload_each());
    if (bare == nullptr) return cycles;
    *bare = bare_cycles(suite, traffic.wire());
    if (*bare) add_figure(suite, load, "bare intel-ipsec-mb calls", "out", **bare, traffic.payload_each());
    return cycles;
  }

  void add_figure(const Suite& suite, const Load& load, std::string_view engine, std::string_view direction,
                  double cycles, double payload) {
    report_.add({{"suite", suite.name},
                 {"load", load.name},
                 {"direction", direction},
                 {"engine", engine},
                 {"cycles per ESP packet", cycles},
                 {"ns per ESP packet", cycles / cycles_per_ns_},
                 {"Gbit/s of payload", payload * 8 * cycles_per_ns_ / cycles}});
  }

  Rate run_worker(Pair& pair, unsigned worker, const Load& load) const {
    Traffic traffic(pair, worker, load);
    const auto began = Clock::now();
    const auto cpu_began = cpu_time();
    const auto end = began + std::chrono::duration<double>(seconds_);
    while (Clock::now() < end) traffic.run();
    return rate_of(traffic.wire_packets(), Clock::now() - began, cpu_time() - cpu_began);
  }

  Result<Rate> run_sender(const Suite& suite, const Load& load, LookAside* aside) const {
    Pair pair(1, {std::nullopt, aside});
    IPSEC_RETURN_IF_ERROR(pair.connect(suite));
    if (aside != nullptr) {
      LinkSettings link;
      link.offload = aside->capabilities("");
      pair.left.control().set_link(link);
      pair.left.publish();
    }
    Traffic traffic(pair, 0, load);
    Worker& worker = pair.left.worker(0);
    // The first packet asks for offload; the helper answers.
    traffic.send();
    while (aside != nullptr && pair.left.control().statistics().offloaded_associations == 0) std::this_thread::yield();
    std::uint64_t sent = 0;
    const auto collect = [&] {
      Output& output = pair.left.output(0);
      for (output.clear(); worker.process_offloaded(pair.left.tables(), kNow, output); output.clear()) {
        sent += output.to_wire.size();
      }
    };
    const auto began = Clock::now();
    const auto cpu_began = cpu_time();
    const auto end = began + std::chrono::duration<double>(seconds_);
    while (Clock::now() < end) sent += traffic.send().to_wire.size();
    while (worker.has_offloaded()) collect();
    const Rate rate = rate_of(sent, Clock::now() - began, cpu_time() - cpu_began);
    const Statistics statistics = pair.left.control().statistics();
    const std::uint64_t dropped = statistics.verdicts[static_cast<std::size_t>(Verdict::kOutboundOffloadFull)] +
                                  statistics.verdicts[static_cast<std::size_t>(Verdict::kOutboundOffloadFailed)];
    if (dropped != 0) return refused(fmt::format("{}: {} packets were dropped", suite.name, dropped));
    return rate;
  }

  static Rate rate_of(std::uint64_t packets, std::chrono::duration<double> wall, std::chrono::duration<double> cpu) {
    return {static_cast<double>(packets) / wall.count(), static_cast<double>(packets) / cpu.count()};
  }

  static void help(LookAside& aside) {
    EspEngine engine(kMaxEspWorkers, system_random());
    while (!aside.is_stopped()) {
      if (!aside.help(engine)) std::this_thread::yield();
    }
  }

  double seconds_;
  double cycles_per_ns_;
  Report& report_;
};

}  // namespace

Benchmark declare_pipeline(CLI::App& app) {
  auto seconds = std::make_shared<double>(0.5);
  app.add_option("--seconds", *seconds, "For each thing measured")->check(CLI::Range(0.01, 60.0));
  return [seconds](Report& report) -> Status {
    report.settings()["seconds"] = *seconds;
    report.settings()["packets in a batch"] = limits::kBatchPackets;
    Pipeline pipeline(*seconds, report);
    for (const Suite& suite : kSuites) {
      for (const Load& load : {kSuperPackets, kLargePackets, kSmallPackets}) {
        IPSEC_RETURN_IF_ERROR(pipeline.compare_engines(suite, load));
      }
    }
    for (const Suite& suite : {kSuites[0], kSuites[2]}) {
      IPSEC_RETURN_IF_ERROR(pipeline.compare_workers(suite, kLargePackets));
      for (const Load& load : {kSuperPackets, kLargePackets, kSmallPackets}) {
        IPSEC_RETURN_IF_ERROR(pipeline.compare_look_aside(suite, load));
      }
    }
    IPSEC_RETURN_IF_ERROR(pipeline.compare_look_aside(kSlowSuite, kLargePackets));
    return {};
  };
}

}  // namespace ipsec::bench
