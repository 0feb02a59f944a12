#include <cstdint>
#include <cstdlib>
#include <vector>

#include "services/common/bytes.h"
#include "tests/ike/core/pair.h"

// The octets are a script: what two engines are asked, what the network does to their datagrams, how their drivers
// behave, and what strangers inject. Afterwards, with no network at all, everything must come to an end by itself.
namespace {

using namespace ipsec;
using namespace ipsec::ike;
using ipsec::ike::tests::FakeDriver;
using ipsec::ike::tests::Fate;
using ipsec::ike::tests::Host;
using ipsec::ike::tests::Pair;
using ipsec::ike::tests::PolicyOptions;
using ipsec::ike::tests::SentDatagram;

void require(bool condition) {
  if (!condition) std::abort();
}

class Script {
 public:
  explicit Script(ByteView octets) : in_(octets) {
    options_.extra_filters = 2;
    options_.main_mode_lifetime = 300;
    set_mirrored_policies(pair_, options_);
    pair_.wire = [this](const SentDatagram& sent) {
      if (held_.size() < 64) held_.push_back(sent);
      return Fate{};
    };
  }

  void play() {
    for (int steps = 0; steps < 400 && !in_.empty(); ++steps) step();
    held_.clear();
    pair_.a.driver.refuse_spis = pair_.b.driver.refuse_spis = false;
    pair_.run(std::chrono::seconds(2000));
    for (const Host* host : {&pair_.a, &pair_.b}) {
      const Statistics statistics = host->engine.statistics();
      require(statistics.active_acquire == 0 && statistics.active_receive == 0);
      require(statistics.isadb_list_size == 0);
      require(host->driver.larval() == 0);
    }
  }

 private:
  std::uint8_t next() { return in_.read_u8().value_or(0); }
  Host& host() { return next() % 2 == 0 ? pair_.a : pair_.b; }

  void deliver(SentDatagram sent, bool keep) {
    if (keep) held_.push_back(sent);
    pair_.inject(sent.from_a ? pair_.a : pair_.b, std::move(sent.datagram.bytes));
  }

  SentDatagram take_held() {
    const std::size_t index = next() % held_.size();
    SentDatagram sent = held_[index];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    return sent;
  }

  void inject_raw() {
    Host& from = host();
    const ByteView octets = in_.read(std::min<std::size_t>(in_.remaining(), next())).value_or(ByteView());
    ByteWriter out;
    const auto known = from.engine.main_mode_sas(pair_.now);
    out.u64(known.empty() ? next() : known[0].initiator_cookie).u64(known.empty() ? 0 : known[0].responder_cookie);
    out.u8(next())
        .u8(0x10)
        .u8(next() % 2 == 0 ? 32 : 2)
        .u8(next() % 4)
        .u32(next())
        .u32(static_cast<std::uint32_t>(28 + octets.size()))
        .bytes(octets);
    pair_.inject(from, out.take());
  }

  void end_some_sa(Host& at) {
    if (at.driver.inbound.empty()) return;
    const SaParameters sa = at.driver.inbound.begin()->second;
    at.driver.inbound.erase(at.driver.inbound.begin());
    pair_.give(at, SaEnded{sa.spi, Direction::kInbound, SecurityProtocol::kEsp, sa.source,
                           static_cast<SaEndReason>(1 + next() % 3)});
  }

  void step() {
    const std::uint8_t what = next() % 24;
    if (what < 10) {
      if (!held_.empty()) deliver(take_held(), what == 9);
      return;
    }
    switch (what) {
      case 10:
        if (!held_.empty()) take_held();
        return;
      case 11:
      case 12:
        if (!held_.empty()) {
          SentDatagram sent = take_held();
          sent.datagram.bytes[next() % sent.datagram.bytes.size()] ^= static_cast<std::uint8_t>(next() | 1);
          deliver(std::move(sent), false);
        }
        return;
      case 13:
      case 14:
      case 15:
        pair_.acquire(host(), next_acquire_++, std::uint64_t{next()} % 3 * 10 + 1);
        return;
      case 16:
      case 17:
        pair_.run(std::chrono::milliseconds(next() * 200));
        return;
      case 18: {
        Host& at = host();
        if (!at.driver.outbound.empty())
          pair_.give(at, RekeyRequested{at.driver.outbound[0].spi, at.driver.outbound[0].destination, 1,
                                        RekeyReason::kSeconds});
        return;
      }
      case 19:
        end_some_sa(host());
        return;
      case 20:
        pair_.give(host(), DeleteRequested{std::nullopt, next() % 2 == 0});
        return;
      case 21: {
        Host& at = host();
        at.driver = FakeDriver(0x20000000 + 0x1000U * ++restarts_);
        pair_.give(at, DriverRestarted{});
        return;
      }
      case 22: {
        Host& at = host();
        at.driver.refuse_spis = next() % 4 == 0;
        at.driver.refuse_installing = next() % 4 == 0 ? std::optional(Direction::kOutbound) : std::nullopt;
        PolicyOptions options = options_;
        options.extra_filters = next() % 3;
        if (next() % 8 == 0) options.psk = "other";
        pair_.set_policy(at, make_policy(at.endpoint.address, pair_.other(at).endpoint.address, options));
        return;
      }
      default:
        inject_raw();
    }
  }

  ByteReader in_;
  Pair pair_;
  PolicyOptions options_;
  std::vector<SentDatagram> held_;
  std::uint64_t next_acquire_ = 1;
  std::uint32_t restarts_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script(ByteView(data, size)).play();
  return 0;
}
