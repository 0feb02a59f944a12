#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "services/common/crypto/random.h"
#include "services/driver/crypto/esp_engine.h"
#include "tests/bench/bare_crypto.h"
#include "tests/bench/command.h"
#include "tests/bench/cpu_clock.h"

// The cryptographic engines side by side on the same buffers: batches of 64 ESP packets on one core.
namespace ipsec::bench {
namespace {

using namespace ipsec::driver;

constexpr std::size_t kBatch = 64;
constexpr std::array<std::size_t, 4> kSizes{64, 256, 512, 1408};  // octets of the encrypted part

struct Suite {
  std::string_view name;
  Cipher cipher;
  Integrity integrity;
};
constexpr Suite kSuites[] = {
    {"AES128-GCM", Cipher::kAes128Gcm, Integrity::kNone},
    {"AES128-SHA1", Cipher::kAes128Cbc, Integrity::kSha1},
};
constexpr std::string_view kMultiBuffer = "intel-ipsec-mb";
constexpr std::string_view kOpenssl = "OpenSSL";
constexpr std::string_view kBare = "bare intel-ipsec-mb calls";
constexpr std::string_view kKeyEachTime = "OpenSSL, key set for each packet";

// Sixty-four packets of one SA, as they lie in memory, and the sealed octets they are put back to.
class Buffers {
 public:
  Buffers(const EspSuite& suite, std::size_t size) : jobs_(kBatch) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      packets_.emplace_back(suite.packet_size(size));
      store_u32(packets_[i].data() + 4, static_cast<std::uint32_t>(i + 1));
    }
  }
  std::span<EspJob> jobs_of(const EspKeys* keys) {
    for (std::size_t i = 0; i < kBatch; ++i) jobs_[i] = {keys, packets_[i]};
    return jobs_;
  }
  void keep_sealed() { sealed_ = packets_; }
  void put_back_sealed() {
    for (std::size_t i = 0; i < kBatch; ++i) std::ranges::copy(sealed_[i], packets_[i].begin());
  }
  const std::vector<Bytes>& packets() const { return packets_; }

 private:
  std::vector<Bytes> packets_;
  std::vector<Bytes> sealed_;
  std::vector<EspJob> jobs_;
};

// Somebody who can do the work, and the shortest batch of his so far.
struct Contender {
  std::string_view name;
  std::function<void()> run;
  std::uint64_t cycles = std::numeric_limits<std::uint64_t>::max();
};

class Comparison {
 public:
  Comparison(const Suite& suite, std::size_t size)
      : suite_(suite), size_(size), layout_(*EspSuite::of(suite.cipher, suite.integrity)), buffers_(layout_, size) {}

  Status run(unsigned rounds, double cycles_per_ns, Report& report) {
    SecretBytes cipher_key(layout_.cipher_key_size), integrity_key(layout_.integrity_key_size);
    for (const EspBackend backend : {EspBackend::kMultiBuffer, EspBackend::kOpenssl}) {
      if (!is_available(backend)) continue;
      IPSEC_ASSIGN_OR_RETURN(keys_[static_cast<std::size_t>(backend)],
                             make_esp_keys(suite_.cipher, suite_.integrity, cipher_key, integrity_key, false, backend));
    }
    bare_ = make_bare_ipsec_mb(layout_, cipher_key, integrity_key);
    naive_ = make_openssl_with_key_each_time(layout_, cipher_key, integrity_key);
    measure(sealing(), false, rounds, "out", cycles_per_ns, report);
    IPSEC_RETURN_IF_ERROR(prepare_opening());
    measure(opening(), true, rounds, "in", cycles_per_ns, report);
    return {};
  }

 private:
  const EspKeys* keys_of(EspBackend backend) const { return keys_[static_cast<std::size_t>(backend)].get(); }

  std::vector<Contender> sealing() {
    std::vector<Contender> all;
    const auto add_engine = [&](EspBackend backend) {
      if (const EspKeys* keys = keys_of(backend)) {
        all.push_back({name_of(backend), [this, keys] { engine_.seal(buffers_.jobs_of(keys)); }});
      }
    };
    add_engine(EspBackend::kMultiBuffer);
    add_engine(EspBackend::kOpenssl);
    const EspKeys* const keys = keys_of(EspBackend::kOpenssl);
    all.push_back({kKeyEachTime, [this, keys] { naive_->seal(buffers_.jobs_of(keys)); }});
    if (bare_ != nullptr) all.push_back({kBare, [this, keys] { bare_->seal(buffers_.jobs_of(keys)); }});
    return all;
  }

  // What one engine sealed both must open: a figure of wrong work is worth nothing.
  Status prepare_opening() {
    engine_.seal(buffers_.jobs_of(keys_of(EspBackend::kOpenssl)));
    buffers_.keep_sealed();
    for (const EspBackend backend : {EspBackend::kMultiBuffer, EspBackend::kOpenssl}) {
      if (keys_of(backend) == nullptr) continue;
      buffers_.put_back_sealed();
      const std::span<EspJob> jobs = buffers_.jobs_of(keys_of(backend));
      engine_.open(jobs);
      for (const EspJob& job : jobs) {
        if (job.verdict != EspVerdict::kOk)
          return refused(fmt::format("{} does not open {}", name_of(backend), suite_.name));
      }
    }
    return {};
  }

  std::vector<Contender> opening() {
    std::vector<Contender> all;
    for (const EspBackend backend : {EspBackend::kMultiBuffer, EspBackend::kOpenssl}) {
      if (const EspKeys* keys = keys_of(backend)) {
        all.push_back({name_of(backend), [this, keys] { engine_.open(buffers_.jobs_of(keys)); }});
      }
    }
    const EspKeys* const keys = keys_of(EspBackend::kOpenssl);
    if (bare_ != nullptr) all.push_back({kBare, [this, keys] { bare_->open(buffers_.jobs_of(keys)); }});
    return all;
  }

  // In turns, so that a change of the processor's speed meets everybody.
  void measure(std::vector<Contender> contenders, bool put_back, unsigned rounds, std::string_view direction,
               double cycles_per_ns, Report& report) {
    for (unsigned round = 0; round < rounds; ++round) {
      for (Contender& contender : contenders) {
        for (unsigned batch = 0; batch < kBatchesInTurn; ++batch) {
          if (put_back) buffers_.put_back_sealed();
          const std::uint64_t start = time_stamp();
          contender.run();
          contender.cycles = std::min(contender.cycles, time_stamp() - start);
        }
      }
    }
    for (const Contender& contender : contenders) {
      const double cycles = static_cast<double>(contender.cycles) / kBatch;
      const double nanoseconds = cycles / cycles_per_ns;
      report.add({{"suite", suite_.name},
                  {"octets", size_},
                  {"direction", direction},
                  {"engine", contender.name},
                  {"cycles per packet", cycles},
                  {"ns per packet", nanoseconds},
                  {"Gbit/s", static_cast<double>(size_) * 8 / nanoseconds}});
    }
    add_ratio(contenders, kOpenssl, kMultiBuffer, direction, report);
    add_ratio(contenders, kOpenssl, kBare, direction, report);
    add_ratio(contenders, kKeyEachTime, kMultiBuffer, direction, report);
    add_ratio(contenders, kMultiBuffer, kBare, direction, report);
  }

  // Cycles of one to cycles of the other.
  void add_ratio(const std::vector<Contender>& contenders, std::string_view of, std::string_view to,
                 std::string_view direction, Report& report) const {
    const auto find = [&](std::string_view name) {
      return std::find_if(contenders.begin(), contenders.end(), [&](const Contender& one) { return one.name == name; });
    };
    const auto first = find(of), second = find(to);
    if (first == contenders.end() || second == contenders.end()) return;
    report.ratios()[fmt::format("{} {} {}: {} to {}", suite_.name, size_, direction, of, to)] =
        static_cast<double>(first->cycles) / static_cast<double>(second->cycles);
  }

  static constexpr unsigned kBatchesInTurn = 20;

  const Suite& suite_;
  std::size_t size_;
  EspSuite layout_;
  Buffers buffers_;
  EspEngine engine_{0, system_random()};
  std::array<std::shared_ptr<const EspKeys>, 2> keys_;
  std::unique_ptr<BareCrypto> bare_;
  std::unique_ptr<BareCrypto> naive_;
};

}  // namespace

Benchmark declare_crypto(CLI::App& app) {
  auto rounds = std::make_shared<unsigned>(50);
  app.add_option("--rounds", *rounds, "Turns of each engine; of all its batches the shortest counts")
      ->check(CLI::Range(1U, 100000U))
      ->capture_default_str();
  return [rounds](Report& report) -> Status {
    const double cycles_per_ns = cycles_per_nanosecond();
    report.settings()["rounds"] = *rounds;
    report.settings()["packets in a batch"] = kBatch;
    report.settings()["cycles per ns"] = cycles_per_ns;
    for (const Suite& suite : kSuites) {
      for (const std::size_t size : kSizes) {
        IPSEC_RETURN_IF_ERROR(Comparison(suite, size).run(*rounds, cycles_per_ns, report));
      }
    }
    return {};
  };
}

}  // namespace ipsec::bench
