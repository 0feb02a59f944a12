#include "tests/simulation/scenario.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace ipsec::ike::tests {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kCiphers = {Cipher::kDes, Cipher::kTripleDes, Cipher::kAes128Cbc, Cipher::kAes192Cbc,
                                 Cipher::kAes256Cbc};
constexpr std::array kHashes = {Integrity::kMd5, Integrity::kSha1, Integrity::kSha256, Integrity::kSha384,
                                Integrity::kSha512};
constexpr std::array kGroups = {DhGroup::kModp768,  DhGroup::kModp1024, DhGroup::kModp1536, DhGroup::kModp2048,
                                DhGroup::kModp3072, DhGroup::kModp4096, DhGroup::kModp6144, DhGroup::kModp8192,
                                DhGroup::kEcp256,   DhGroup::kEcp384,   DhGroup::kEcp521,   DhGroup::kCurve25519};
constexpr std::array kEspCiphers = {Cipher::kNull,      Cipher::kDes,       Cipher::kTripleDes,
                                    Cipher::kAes128Cbc, Cipher::kAes192Cbc, Cipher::kAes256Cbc,
                                    Cipher::kAes128Gcm, Cipher::kAes192Gcm, Cipher::kAes256Gcm};

struct Network {
  double loss = 0;
  double duplication = 0;
  Duration slowest{};
  double rebinding = 0;  // how often a datagram finds that the translator has forgotten its mapping
};
constexpr std::array<std::uint16_t, 4> kMappings = {20000, 25000, 30000, 40000};

struct Random {
  SeededRandom source;

  template <typename List>
  auto pick(const List& list) {
    return list[source.below(list.size())];
  }
  bool chance(double probability) { return source.chance(probability); }
  std::uint64_t below(std::uint64_t bound) { return source.below(bound); }
};

MainModeOffer random_main_mode_offer(Random& random) {
  return {random.pick(kCiphers), random.pick(kHashes), random.pick(kGroups)};
}

QuickModeOffer random_quick_mode_offer(Random& random) {
  const Cipher cipher = random.pick(kEspCiphers);
  const Integrity integrity = info(cipher).is_aead() ? Integrity::kNone : random.pick(kHashes);
  QuickModeOffer offer{std::nullopt, EspOffer{cipher, integrity}, static_cast<std::uint32_t>(random.below(3) * 50000),
                       static_cast<std::uint32_t>(300 + random.below(3000))};
  if (random.chance(0.3)) offer.ah = random.pick(kHashes);
  if (offer.ah && random.chance(0.5)) offer.esp.reset();
  return offer;
}

PolicyOptions random_options(Random& random) {
  PolicyOptions options;
  options.main_mode_offers.clear();
  options.quick_mode_offers.clear();
  for (std::uint64_t i = 0; i <= random.below(4); ++i)
    options.main_mode_offers.push_back(random_main_mode_offer(random));
  for (std::uint64_t i = 0; i <= random.below(4); ++i)
    options.quick_mode_offers.push_back(random_quick_mode_offer(random));
  options.main_mode_lifetime = static_cast<std::uint32_t>(1000 + random.below(20000));
  options.pfs = random.chance(0.3);
  if (options.pfs && random.chance(0.5)) options.pfs_group = random.pick(kGroups);
  options.quick_mode_limit = random.chance(0.2) ? static_cast<std::uint32_t>(1 + random.below(3)) : 0;
  options.master_pfs = random.chance(0.1);
  options.extra_filters = static_cast<int>(random.below(3));
  return options;
}

Network random_network(Random& random) {
  return {static_cast<double>(random.below(31)) / 100.0, static_cast<double>(random.below(20)) / 100.0,
          milliseconds(1 + random.below(1500))};
}

void use_network(Pair& pair, Random& random, const Network& network) {
  pair.wire = [&pair, &random, network](const SentDatagram&) {
    if (pair.translator && random.chance(network.rebinding)) pair.translator->port_offset = random.pick(kMappings);
    Fate fate;
    const int copies = random.chance(network.duplication) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      if (random.chance(network.loss)) continue;
      fate.push_back(milliseconds(1) + Duration(static_cast<std::int64_t>(
                                           random.below(static_cast<std::uint64_t>(network.slowest.count())))));
    }
    return fate;
  };
}

// What the other host is configured with: usually the same, sometimes something that cannot or can only just agree.
PolicyOptions options_of_other(Random& random, const PolicyOptions& options, std::string& story) {
  PolicyOptions other = options;
  std::reverse(other.main_mode_offers.begin(), other.main_mode_offers.end());
  if (random.chance(0.05)) {
    other.psk = "another key";
    story += ", keys differ";
  }
  if (random.chance(0.1)) {
    other.main_mode_offers = {random_main_mode_offer(random)};
    story += ", main mode offers differ";
  }
  if (random.chance(0.1)) {
    other.quick_mode_offers = {random_quick_mode_offer(random)};
    story += ", quick mode offers differ";
  }
  if (random.chance(0.1)) {
    other.pfs = !other.pfs;
    story += ", PFS differs";
  }
  if (random.chance(0.2)) {
    other.main_mode_lifetime = 300;
    for (QuickModeOffer& offer : other.quick_mode_offers) offer.lifetime_seconds = 600;
    story += ", lifetimes differ";
  }
  return other;
}

AddressRange range(const char* text) { return *AddressRange::parse(text); }

void choose_mode(Random& random, PolicyOptions& options, bool v6, std::string& story) {
  if (!random.chance(0.3)) return;
  options.local_network = v6 ? range("fd01::/64") : range("192.168.1.0/24");
  options.remote_network = v6 ? range("fd02::5-fd02::99") : range("192.168.2.5-192.168.2.99");
  story += ", tunnel";
}

struct Run {
  Random random;
  std::string story;
  Pair pair;

  Run(std::uint64_t seed, bool v6)
      : random{SeededRandom(seed * 7919 + 17)},
        pair(seed, v6 ? "fd77::1" : "10.77.0.1", v6 ? "fd77::2" : "10.77.0.2") {}
};

bool use_v6(std::uint64_t seed) { return seed % 4 == 0; }

// An address translator in front of a, of b (which forwards its ports to it), or of both; or none.
void choose_translators(Run& run, std::uint64_t seed, Network& network) {
  Random random{SeededRandom(seed * 104729 + 3)};
  for (Host* host : {&run.pair.a, &run.pair.b}) run.pair.give(*host, DriverCapable{true, true});
  if (use_v6(seed)) return;
  if (random.chance(0.4)) {
    run.pair.translator = Translator{*IpAddress::parse("203.0.113.1"), random.pick(kMappings)};
    network.rebinding = static_cast<double>(random.below(4)) / 100.0;
    run.story += fmt::format(", a behind a translator that rebinds {} %", network.rebinding * 100);
  }
  if (random.chance(0.3)) {
    run.pair.translator_of_b = Translator{*IpAddress::parse("198.51.100.7"), 0};
    run.story += ", b behind a translator";
  }
}

void configure(Run& run, std::uint64_t seed, bool agreeing) {
  PolicyOptions of_a = random_options(run.random);
  // Main mode is renewed several times in a life of minutes.
  if (agreeing) of_a.main_mode_lifetime = static_cast<std::uint32_t>(150 + run.random.below(1000));
  // What passes every translator.
  if (agreeing) {
    QuickModeOffer without_ah = random_quick_mode_offer(run.random);
    without_ah.ah.reset();
    if (!without_ah.esp) without_ah.esp = EspOffer{Cipher::kAes128Cbc, Integrity::kSha1};
    of_a.quick_mode_offers.push_back(without_ah);
  }
  choose_mode(run.random, of_a, use_v6(seed), run.story);
  PolicyOptions of_b = agreeing ? of_a : options_of_other(run.random, of_a, run.story);
  std::swap(of_b.local_network, of_b.remote_network);
  const Pair& pair = run.pair;
  run.pair.set_policies(make_policy(pair.a.endpoint.address, pair.address_seen(pair.b), of_a),
                        make_policy(pair.b.endpoint.address, pair.address_seen(pair.a), of_b));
}

std::vector<std::uint64_t> outbound_filters(const Host& host) {
  std::vector<std::uint64_t> ids;
  for (const Filter& filter : host.engine.policy().filters) {
    if (filter.direction == Direction::kOutbound) ids.push_back(filter.id);
  }
  return ids;
}

struct Asked {
  Host* host;
  std::uint64_t acquire_id;
  std::uint64_t filter_id;
};

std::string complaint_about(const Asked& asked) {
  const FakeDriver& driver = asked.host->driver;
  const auto failed = std::find_if(driver.acquire_failures.begin(), driver.acquire_failures.end(),
                                   [&](const AcquireFailed& one) { return one.acquire_id == asked.acquire_id; });
  const bool has_sa = std::any_of(driver.outbound.begin(), driver.outbound.end(),
                                  [&](const SaParameters& sa) { return sa.filter_id == asked.filter_id; });
  // An SA that the peer gave up (its message 3 never came) ends with a name of its own; the next packet asks again.
  const bool ended = asked.host->has_event("quick_mode_ended") || asked.host->has_event("initial_contact") ||
                     asked.host->has_event("peer_dead");
  if (failed == driver.acquire_failures.end() && !has_sa && !ended)
    return fmt::format("{}: acquire {} has neither an SA nor a failure", asked.host->name, asked.acquire_id);
  const bool served = failed != driver.acquire_failures.end() && failed->reason == FailureReason::kAlreadyServed;
  if (failed != driver.acquire_failures.end() && !served && !asked.host->has_event("negotiation_failed"))
    return fmt::format("{}: a failure without an event", asked.host->name);
  return "";
}

bool is_named_failure(const ReportEvent& event) { return event.severity != Severity::kInformation; }

// Where one side failed after the other had begun to answer, the other knows it too.
std::string complaint_about_other_side(const Host& host, const Host& other) {
  for (const AcquireFailed& failed : host.driver.acquire_failures) {
    const bool other_saw_it =
        failed.reason == FailureReason::kNoProposalChosen || failed.reason == FailureReason::kGroupMismatch ||
        failed.reason == FailureReason::kPfsMismatch || failed.reason == FailureReason::kAuthenticationFailed;
    if (other_saw_it && std::none_of(other.events.begin(), other.events.end(), is_named_failure)) {
      return fmt::format("{} failed with {}, and {} does not know of it", host.name, name(failed.reason), other.name);
    }
  }
  return "";
}

std::string complaint_about_rest(const Run& run) {
  for (const Host* host : {&run.pair.a, &run.pair.b}) {
    const Statistics statistics = host->engine.statistics();
    if (statistics.active_acquire != 0 || statistics.active_receive != 0)
      return fmt::format("{} is still at work", host->name);
    if (host->driver.larval() != 0) return fmt::format("{} has left {} SPIs larval", host->name, host->driver.larval());
    if (statistics.conn_list_size != host->driver.inbound.size()) {
      return fmt::format("{} knows {} pairs, its driver has {} inbound SAs", host->name, statistics.conn_list_size,
                         host->driver.inbound.size());
    }
  }
  return compare_sas(run.pair);
}

Outcome outcome_of(const Run& run, std::string complaint) {
  Outcome outcome;
  outcome.complaint = std::move(complaint);
  outcome.story = run.story;
  for (const Host* host : {&run.pair.a, &run.pair.b}) {
    for (const ReportEvent& event : host->events)
      outcome.log += fmt::format("{}: {}: {}\n", host->name, event.name, event.text);
  }
  outcome.pairs = run.pair.a.driver.outbound.size();
  outcome.failures = run.pair.a.driver.acquire_failures.size() + run.pair.b.driver.acquire_failures.size();
  return outcome;
}

void end_sa(Run& run, Host& host, std::uint32_t spi, Direction direction, SecurityProtocol protocol) {
  const IpAddress peer = run.pair.address_seen(run.pair.other(host));
  host.driver.perform(DeleteSa{spi, direction, protocol, peer});
  run.pair.give(host, SaEnded{spi, direction, protocol, peer, SaEndReason::kLifetime});
}

// An SA is as old on one host as on the other.
void end_by_lifetime(Run& run, Host& host, SaParameters inbound) {
  Host& other = run.pair.other(host);
  end_sa(run, host, inbound.spi, Direction::kInbound, inbound.protocol);
  end_sa(run, other, inbound.spi, Direction::kOutbound, inbound.protocol);
  end_sa(run, host, inbound.pair_spi, Direction::kOutbound, inbound.protocol);
  end_sa(run, other, inbound.pair_spi, Direction::kInbound, inbound.protocol);
}

// An ESP packet of a reaches b through the present mapping.
void carry_traffic(Run& run) {
  Host& b = run.pair.b;
  if (!run.pair.translator || b.driver.inbound.empty()) return;
  auto used = b.driver.inbound.begin();
  std::advance(used, static_cast<std::ptrdiff_t>(run.random.below(b.driver.inbound.size())));
  const SaParameters& sa = used->second;
  const auto port = static_cast<std::uint16_t>(4500 + run.pair.translator->port_offset);
  if (sa.udp_local_port == 0 || sa.udp_peer_port == port) return;
  const PeerMoved moved{sa.spi, sa.udp_peer_port, port};
  b.driver.perform(MovePeer{sa.spi, port});
  run.pair.give(b, moved);
}

void disturb(Run& run, Host& host, std::uint64_t& next_acquire) {
  Random& random = run.random;
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2: {
      run.pair.acquire(host, next_acquire++, random.pick(outbound_filters(host)));
      return;
    }
    case 3:
    case 4:
    case 5:
    case 6: {
      if (host.driver.outbound.empty()) return;
      const SaParameters sa = random.pick(host.driver.outbound);
      run.pair.give(host, RekeyRequested{sa.spi, sa.destination, sa.filter_id, RekeyReason::kSeconds});
      return;
    }
    case 7: {
      if (host.driver.inbound.empty()) return;
      auto ended = host.driver.inbound.begin();
      std::advance(ended, static_cast<std::ptrdiff_t>(random.below(host.driver.inbound.size())));
      end_by_lifetime(run, host, ended->second);
      return;
    }
    case 8:
      if (random.chance(0.3)) run.pair.give(host, DeleteRequested{std::nullopt, random.chance(0.5)});
      return;
    default:
      if (!random.chance(0.2)) return;
      host.driver = FakeDriver(static_cast<std::uint32_t>(0x10000000 + random.below(0x60000000)));
      run.pair.give(host, DriverRestarted{});
  }
}

// Imitates the policy agent of a host with the default response rule.
class Agent {
 public:
  Agent(Run& run, Host& host, IkePolicy policy) : run_(run), host_(host), policy_(std::move(policy)) { put_in_force(); }

  // Looks at what was asked since the last time, and now and then does something of its own.
  void act() {
    for (; seen_ < host_.questions.size(); ++seen_) consider(host_.questions[seen_]);
    if (run_.random.chance(0.05)) run_.pair.give(host_, AgentListens{});
    if (run_.random.chance(0.05)) put_in_force();
    if (!granted_.empty() && run_.random.chance(0.05)) {
      granted_.erase(granted_.begin() + static_cast<std::ptrdiff_t>(run_.random.below(granted_.size())));
      put_in_force();
    }
  }

 private:
  void consider(const AskForFilter& asked) {
    if (run_.random.chance(0.1)) return;
    if (run_.random.chance(0.1)) {
      run_.pair.give(host_, FilterDeclined{asked.local, asked.peer, asked.outbound, "declined by the test"});
      return;
    }
    if (std::find(granted_.begin(), granted_.end(), asked.outbound) == granted_.end())
      granted_.push_back(asked.outbound);
    put_in_force();
  }

  // The same traffic has the same ids whenever it is granted.
  std::uint64_t id_of(const Selector& outbound) {
    auto known = std::find(known_.begin(), known_.end(), outbound);
    if (known == known_.end()) known = known_.insert(known_.end(), outbound);
    return 1001 + 2 * static_cast<std::uint64_t>(known - known_.begin());
  }

  void put_in_force() {
    IkePolicy policy = policy_;
    for (const Selector& outbound : granted_)
      policy = with_dynamic_filter(std::move(policy), outbound, id_of(outbound));
    policy.version = ++version_;
    run_.pair.set_policy(host_, policy);
  }

  Run& run_;
  Host& host_;
  const IkePolicy policy_;
  std::uint64_t version_ = 1;
  std::size_t seen_ = 0;
  std::vector<Selector> granted_;
  std::vector<Selector> known_;
};

}  // namespace

Outcome run_negotiation(std::uint64_t seed, DhCache& dh) {
  Run run(seed, use_v6(seed));
  run.pair.compute = [&](const ComputeDh& request, RandomSource& random) { return dh.compute(request, random); };
  Network network = random_network(run.random);
  run.story = fmt::format("loss {} %, duplication {} %, up to {} ms", network.loss * 100, network.duplication * 100,
                          network.slowest / milliseconds(1));
  choose_translators(run, seed, network);
  configure(run, seed, false);
  use_network(run.pair, run.random, network);

  std::vector<Asked> asked;
  for (std::uint64_t i = 0; i <= run.random.below(3); ++i) {
    Host& host = run.random.chance(0.7) ? run.pair.a : run.pair.b;
    asked.push_back({&host, i + 1, run.random.pick(outbound_filters(host))});
    run.pair.acquire(host, asked.back().acquire_id, asked.back().filter_id);
    if (run.random.chance(0.5)) run.pair.run(milliseconds(run.random.below(3000)));
  }
  run.pair.run(seconds(300));
  // On the worst of these networks a peer is taken for dead now and then; both sides must find together again.
  run.pair.wire = [](const SentDatagram&) { return Fate{milliseconds(5)}; };
  run.pair.run(seconds(300));

  for (const Asked& one : asked) {
    if (std::string complaint = complaint_about(one); !complaint.empty()) return outcome_of(run, complaint);
  }
  for (const Host* host : {&run.pair.a, &run.pair.b}) {
    if (std::string complaint = complaint_about_other_side(*host, run.pair.other(*host)); !complaint.empty())
      return outcome_of(run, complaint);
  }
  return outcome_of(run, complaint_about_rest(run));
}

Outcome run_life(std::uint64_t seed, DhCache& dh) {
  Run run(seed, use_v6(seed));
  run.pair.compute = [&](const ComputeDh& request, RandomSource& random) { return dh.compute(request, random); };
  Network network = random_network(run.random);
  // Deletes are not acknowledged: on a worse network all six copies of one get lost now and then.
  network.loss /= 2;
  run.story = fmt::format("life with loss {} %", network.loss * 100);
  choose_translators(run, seed, network);
  configure(run, seed, true);
  use_network(run.pair, run.random, network);
  std::uint64_t next_acquire = 1;
  for (std::uint64_t i = 0; i < 30; ++i) {
    disturb(run, run.random.chance(0.5) ? run.pair.a : run.pair.b, next_acquire);
    if (run.random.chance(0.3)) carry_traffic(run);
    if (run.random.chance(0.7)) run.pair.run(milliseconds(run.random.below(20000)));
  }
  run.pair.wire = [](const SentDatagram&) { return Fate{milliseconds(5)}; };
  run.pair.run(seconds(300));

  const std::uint64_t filter = outbound_filters(run.pair.a).front();
  run.pair.acquire(run.pair.a, next_acquire, filter);
  run.pair.run(seconds(300));
  std::string complaint = complaint_about({&run.pair.a, next_acquire, filter});
  const auto& failures = run.pair.a.driver.acquire_failures;
  if (complaint.empty() && !failures.empty() && failures.back().acquire_id == next_acquire &&
      failures.back().reason != FailureReason::kAlreadyServed)
    complaint = fmt::format("no new SA on a good network: {}", failures.back().text);
  return outcome_of(run, complaint.empty() ? complaint_about_rest(run) : complaint);
}

Outcome run_default_response(std::uint64_t seed, DhCache& dh) {
  Run run(seed, use_v6(seed));
  run.pair.compute = [&](const ComputeDh& request, RandomSource& random) { return dh.compute(request, random); };
  Network network = random_network(run.random);
  // As in run_life: filters that are taken back are told of by Deletes.
  network.loss /= 2;
  run.story =
      fmt::format("default response, loss {} %, duplication {} %", network.loss * 100, network.duplication * 100);
  choose_translators(run, seed, network);
  const PolicyOptions of_a = random_options(run.random);
  run.pair.set_policy(run.pair.a, make_policy(run.pair.a.endpoint.address, run.pair.address_seen(run.pair.b), of_a));
  Agent agent(run, run.pair.b, make_default_response_policy(options_of_other(run.random, of_a, run.story)));
  use_network(run.pair, run.random, network);

  std::vector<Asked> asked;
  for (std::uint64_t step = 0; step < 40; ++step) {
    if (step % 10 == 0) {
      asked.push_back({&run.pair.a, step + 1, run.random.pick(outbound_filters(run.pair.a))});
      run.pair.acquire(run.pair.a, asked.back().acquire_id, asked.back().filter_id);
    }
    run.pair.run(milliseconds(run.random.below(3000)));
    if (run.random.chance(0.3)) carry_traffic(run);
    agent.act();
  }
  run.pair.run(seconds(300));
  run.pair.wire = [](const SentDatagram&) { return Fate{milliseconds(5)}; };
  run.pair.run(seconds(300));

  for (const Asked& one : asked) {
    if (std::string complaint = complaint_about(one); !complaint.empty()) return outcome_of(run, complaint);
  }
  for (const SaParameters& sa : run.pair.b.driver.installed) {
    if (sa.filter_id <= 1000) return outcome_of(run, fmt::format("an SA without a dynamic filter: {:08x}", sa.spi));
  }
  return outcome_of(run, complaint_about_rest(run));
}

}  // namespace ipsec::ike::tests
