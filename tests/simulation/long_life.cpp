#include "tests/simulation/long_life.h"

#include <algorithm>
#include <vector>

namespace ipsec::ike::tests {

using std::chrono::seconds;

namespace {

constexpr seconds kRekeyRepeat{30};

// Deterministic and different for each SPI, as the driver's.
unsigned jitter_percent(std::uint32_t spi) { return spi * 2654435761U % 6; }

}  // namespace

Duration AgeingDriver::age_of(const SaParameters& sa) {
  return pair_.now - ages_.try_emplace({sa.direction, sa.spi}, Age{pair_.now}).first->second.since;
}

void AgeingDriver::ask_for_successors() {
  const std::vector<SaParameters> outbound = host_.driver.outbound;
  for (const SaParameters& sa : outbound) {
    const unsigned percent = collide_ ? 80 : (sa.initiator ? 80 : 90) - jitter_percent(sa.spi);
    if (sa.lifetime_seconds == 0 || age_of(sa) < seconds(sa.lifetime_seconds) / 100 * percent) continue;
    Age& age = ages_.at({sa.direction, sa.spi});
    if (age.asked != Timestamp{} && pair_.now - age.asked < kRekeyRepeat) continue;
    age.asked = pair_.now;
    pair_.give(host_, RekeyRequested{sa.spi, sa.destination, sa.filter_id, RekeyReason::kSeconds});
  }
}

void AgeingDriver::end_old() {
  std::vector<SaParameters> all = host_.driver.outbound;
  for (const auto& [spi, sa] : host_.driver.inbound) all.push_back(sa);
  for (const SaParameters& sa : all) {
    if (sa.lifetime_seconds == 0 || age_of(sa) < seconds(sa.lifetime_seconds)) continue;
    const IpAddress peer = pair_.other(host_).endpoint.address;
    host_.driver.perform(DeleteSa{sa.spi, sa.direction, sa.protocol, peer});
    pair_.give(host_, SaEnded{sa.spi, sa.direction, sa.protocol, peer, SaEndReason::kLifetime});
  }
}

void AgeingDriver::tick() {
  end_old();
  ask_for_successors();
}

LongLife::LongLife(std::uint64_t seed, const PolicyOptions& options, bool collide)
    : pair(seed), options_(options), driver_a_(pair, pair.a, collide), driver_b_(pair, pair.b, collide) {
  tell_capabilities(pair.a);
  tell_capabilities(pair.b);
  set_mirrored_policies(pair, options);
}

void LongLife::tell_capabilities(Host& host) { pair.give(host, DriverCapable{true, true}); }

void LongLife::send_packet(Host& from) {
  Host& to = pair.other(from);
  const Selector selector{
      AddressRange::host(from.endpoint.address), AddressRange::host(to.endpoint.address), kProtocolAny, {}, {}};
  const SaParameters* sa = from.driver.in_use(selector);
  if (sa == nullptr) {
    ++traffic.waited;
    pair.acquire(from, next_acquire_++);
    return;
  }
  if (&from == &pair.a) spis_used.insert(sa->spi);
  ++(to.driver.inbound.contains(sa->spi) ? traffic.delivered : traffic.lost);
}

void LongLife::run(seconds duration) {
  for (seconds passed{0}; passed < duration; passed += seconds(1)) {
    driver_a_.tick();
    driver_b_.tick();
    if (passed.count() % 10 == 0) {
      send_packet(pair.a);
      send_packet(pair.b);
    }
    pair.run(seconds(1));
  }
}

void LongLife::crash_ike(Host& host) {
  DriverSasFound found;
  for (const auto& [spi, sa] : host.driver.inbound) found.sas.push_back(sa);
  for (const SaParameters& sa : host.driver.outbound) found.sas.push_back(sa);
  for (SaParameters& sa : found.sas) {
    sa.encryption_key = sa.integrity_key = {};
    if (sa.ah) sa.ah->key = {};
  }
  IkePolicy policy = host.engine.policy();
  host.crash_ike();
  tell_capabilities(host);
  pair.give(host, std::move(found));
  pair.set_policy(host, std::move(policy));
}

void LongLife::restart(Host& host) {
  IkePolicy policy = host.engine.policy();
  host.restart();
  (&host == &pair.a ? driver_a_ : driver_b_).forget();
  tell_capabilities(host);
  pair.set_policy(host, std::move(policy));
}

}  // namespace ipsec::ike::tests
