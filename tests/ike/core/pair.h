#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/ike/certificates/authentication.h"
#include "services/ike/core/engine.h"
#include "tests/support/seeded_random.h"

// Two IKE engines with imitated drivers on one virtual wire, in virtual time. Everything is deterministic; waiting for
// a minute costs nothing.
namespace ipsec::ike::tests {

using ipsec::tests::SeededRandom;

// The change that puts this policy in the place of any other.
PolicyChange whole(IkePolicy policy);

// An SAD without packets. Answers every request at once, or refuses it where a test says so.
class FakeDriver {
 public:
  explicit FakeDriver(std::uint32_t first_spi) : next_spi_(first_spi) {}

  std::optional<Event> perform(const ReserveSpi& action);
  std::optional<Event> perform(const InstallSa& action);
  void perform(const DeleteSa& action);
  void perform(const MovePeer& action);
  void perform(const AcquireFailed& action) { acquire_failures.push_back(action); }

  // Inbound SAs by SPI; outbound SAs in the order of installing, the last one for a filter and selector in use.
  std::map<std::uint32_t, SaParameters> inbound;
  std::vector<SaParameters> outbound;
  std::vector<SaParameters> installed;  // everything that ever was, in order
  std::vector<AcquireFailed> acquire_failures;
  std::size_t larval() const { return larval_.size(); }
  // The outbound SA in use for this traffic; nullptr: none.
  const SaParameters* in_use(const Selector& outbound_selector) const;

  bool silent = false;  // requests are never answered
  bool refuse_spis = false;
  std::optional<Direction> refuse_installing;

 private:
  std::uint32_t next_spi_;
  std::map<std::uint32_t, SecurityProtocol> larval_;
};

struct Host {
  Host(std::string name, const std::string& address, std::uint64_t seed, std::uint32_t first_spi);

  std::string name;
  Endpoint endpoint;
  SeededRandom random;
  FakeDriver driver;
  Engine engine;
  // Of this host; null: it has none. Give with set_certificates.
  std::shared_ptr<const CertificateStore> certificates;
  CrlSource crls;
  std::vector<std::string> crls_wanted;  // distribution points that were asked for
  std::vector<ReportEvent> events;
  std::vector<AskForFilter> questions;  // to the policy agent
  std::vector<WriteLog> log;
  std::vector<TellMainModeKey> told_keys;

  // The machine starts anew: no SA, no memory, no policy.
  void restart();
  // The IKE service ends without a word and is started again; the driver lives on.
  void crash_ike();
  bool has_event(const std::string& event_name) const { return find_event(event_name) != nullptr; }
  const ReportEvent* find_event(const std::string& event_name) const;
  std::size_t count_events(const std::string& event_name) const;
  std::size_t established_main_modes(Timestamp now) const;
};

// What the wire does to one datagram: the delays after which copies arrive; none: lost.
using Fate = std::vector<Duration>;

struct SentDatagram {
  Timestamp at;
  SendDatagram datagram;
  bool from_a = false;
};

// An address translator in front of hosts a and c: b sees them at this address, a at ports that are higher by so much,
// c at ports still higher. In front of b the ports 500 and 4500 are forwarded (offset 0).
struct Translator {
  IpAddress outside;
  std::uint16_t port_offset = 20000;
};
inline constexpr std::uint16_t kPortsOfSecond = 10000;

class Pair {
 public:
  explicit Pair(std::uint64_t seed = 1, const std::string& address_a = "10.77.0.1",
                const std::string& address_b = "10.77.0.2");

  Host a;
  Host b;
  Timestamp now{std::chrono::seconds(1000)};
  // Default: everything arrives after one millisecond.
  std::function<Fate(const SentDatagram&)> wire;
  std::vector<SentDatagram> sent;
  std::vector<SendKeepAlive> keep_alives;
  std::optional<Translator> translator;
  std::optional<Translator> translator_of_b;
  // A second client of b behind the same translator; null: there is none.
  std::unique_ptr<Host> c;
  // Default: compute_dh, at once.
  std::function<DhComputed(const ComputeDh&, RandomSource&)> compute = compute_dh;

  Host& other(const Host& host) { return &host == &b ? a : b; }
  // Where others find the host.
  IpAddress address_seen(const Host& host) const;

  void set_policies(IkePolicy of_a, IkePolicy of_b);
  void set_policy(Host& host, IkePolicy policy);
  void set_certificates(Host& host, CertificateStore store);
  // An acquire by the host's outbound filter `filter_id`, or by any filter where 0.
  void acquire(Host& host, std::uint64_t acquire_id, std::uint64_t filter_id = 0);
  void give(Host& host, Event event);
  // The wall clock, which stands still, for certificates.
  std::int64_t wall_clock = 0;
  // Puts octets on the wire as if `from` had sent them.
  void inject(const Host& from, Bytes bytes);

  // Lets this much time pass, with everything that happens in it.
  void run(Duration duration);

 private:
  struct InFlight {
    Host* to;
    DatagramReceived datagram;
  };

  std::vector<Host*> hosts();
  const std::optional<Translator>& translator_of(const Host& host) const;
  std::uint16_t port_offset(const Host& host) const;
  // Whose end of the wire this is; nullptr: nobody's. Makes it what that host knows.
  Host* find_receiver(Endpoint& destination);
  void perform(Host& host, Actions actions);
  void send(Host& host, const SendDatagram& datagram);
  Timestamp next_event() const;

  std::multimap<Timestamp, InFlight> in_flight_;
};

// Policies for two hosts that want to protect all traffic between them.
struct PolicyOptions {
  std::string psk = "correct horse battery staple";
  std::vector<MainModeOffer> main_mode_offers = {{Cipher::kAes128Cbc, Integrity::kSha256, DhGroup::kCurve25519}};
  std::uint32_t main_mode_lifetime = 28800;
  std::uint32_t quick_mode_limit = 0;
  bool master_pfs = false;
  std::vector<QuickModeOffer> quick_mode_offers = {
      {std::nullopt, EspOffer{Cipher::kAes128Cbc, Integrity::kSha1}, 100000, 3600}};
  bool pfs = false;
  DhGroup pfs_group = DhGroup::kNone;
  std::uint8_t protocol = kProtocolAny;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  // Tunnel mode between these networks.
  std::optional<AddressRange> local_network;
  std::optional<AddressRange> remote_network;
  // In the place of the preshared key.
  std::vector<CertificateMethod> authorities;
  std::uint32_t strong_crl_check = 1;
  std::string profile = "modern";
  int extra_filters = 0;  // further filters for TCP to the remote ports 1001, 1002, ... (and from them)
  std::uint64_t version = 1;
};
// Filter ids: 1 outbound, 2 inbound; the extra ones 11 and 12, 21 and 22, ...
IkePolicy make_policy(const IpAddress& local, const IpAddress& remote, const PolicyOptions& options = {});
// The same for both ends, mirrored.
void set_mirrored_policies(Pair& pair, const PolicyOptions& options = {});

// The policy of a host that has the default response rule (rule and offers as in `options`) and no filter.
IkePolicy make_default_response_policy(const PolicyOptions& options = {});
// `policy` with the dynamic filters for this traffic, as the agent makes them: `id` outbound, the next one inbound.
IkePolicy with_dynamic_filter(IkePolicy policy, const Selector& outbound, std::uint64_t id = 101);

Header header_of(const SentDatagram& sent);
// How many datagrams of that exchange were sent, by either host.
std::size_t count_sent(const Pair& pair, ExchangeType exchange);

// "" where every outbound SA of each host has its inbound one on the other with the same keys, algorithms, mirrored
// selector and lifetimes; otherwise what is wrong.
std::string compare_sas(const Pair& pair);

}  // namespace ipsec::ike::tests
