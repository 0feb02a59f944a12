#include "tests/ike/core/pair.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "services/ike/wire/header.h"

namespace ipsec::ike::tests {

namespace {

IpAddress parse_address(const std::string& text) {
  auto parsed = IpAddress::parse(text);
  if (!parsed.ok()) throw std::invalid_argument(parsed.status().message());
  return *parsed;
}

Filter make_filter(std::uint64_t id, std::uint64_t mirror_id, Direction direction, Selector selector,
                   std::uint32_t index) {
  Filter filter;
  filter.id = id;
  filter.mirror_id = mirror_id;
  filter.index = index;
  filter.direction = direction;
  filter.selector = selector;
  filter.quick_mode_policy = "qm";
  filter.rule_name = "rule";
  filter.filter_list_name = "list";
  filter.filter_action_name = "action";
  return filter;
}

// As the shell does it, where no distribution point answers.
template <typename Work>
auto with_lists(Host& host, Work work) {
  auto result = work();
  if (const auto* wanted = std::get_if<CrlsWanted>(&result)) {
    for (const std::string& point : wanted->points) {
      host.crls_wanted.push_back(point);
      host.crls.unavailable[point] = "no answer within 15 s";
    }
    result = work();
  }
  return result;
}

template <typename T, typename Result>
std::variant<T, Refusal> answer_of(const Result& result) {
  if (const auto* refusal = std::get_if<Refusal>(&result)) return *refusal;
  return std::get<T>(result);
}

bool same_key(const SecretBytes& a, const SecretBytes& b) { return constant_time_equal(a.view(), b.view()); }

std::string compare(const SaParameters& out, const SaParameters& in) {
  if ((out.udp_local_port == 0) != (in.udp_local_port == 0)) return "UDP on one side only";
  // Behind a translator each side knows hosts by addresses of its own.
  const bool translated = out.udp_local_port != 0;
  const bool own_addresses = translated && out.encapsulation == Encapsulation::kTransport;
  if (out.selector != in.selector && !own_addresses)
    return fmt::format("selectors {} and {}", out.selector.to_string(), in.selector.to_string());
  if (out.protocol != in.protocol || out.ah.has_value() != in.ah.has_value()) return "protocols";
  if (out.ah) {
    if (out.ah->spi != in.ah->spi || out.ah->integrity != in.ah->integrity) return "AH around ESP";
    if (!same_key(out.ah->key, in.ah->key)) return "keys of AH around ESP";
    if (out.ah->key.size() != info(out.ah->integrity).key_size) return "size of the key of AH around ESP";
  }
  if (out.extended_sequence != in.extended_sequence) return "sequence numbers";
  if (out.cipher != in.cipher || out.integrity != in.integrity) return "algorithms";
  if (!same_key(out.encryption_key, in.encryption_key) || !same_key(out.integrity_key, in.integrity_key)) return "keys";
  const CipherInfo& cipher = info(out.cipher);
  if (out.encryption_key.size() != cipher.key_size + cipher.salt_size) return "size of the encryption key";
  if (out.integrity_key.size() != info(out.integrity).key_size) return "size of the integrity key";
  if (out.encapsulation != in.encapsulation) return "encapsulation";
  if (!translated && (out.source != in.source || out.destination != in.destination)) return "addresses";
  if (out.pair_spi == 0 || in.pair_spi == 0) return "no pair SPI";
  if (out.lifetime_seconds != in.lifetime_seconds || out.lifetime_kilobytes != in.lifetime_kilobytes)
    return "lifetimes";
  if (out.initiator == in.initiator) return "two initiators or none";
  return "";
}

std::string compare_direction(const Host& from, const Host& to) {
  for (const SaParameters& out : from.driver.outbound) {
    const auto in = to.driver.inbound.find(out.spi);
    if (in == to.driver.inbound.end())
      return fmt::format("{} has outbound SA {:08x} without its inbound SA on {}", from.name, out.spi, to.name);
    const std::string difference = compare(out, in->second);
    if (!difference.empty())
      return fmt::format("SA {:08x} from {} to {}: {} differ", out.spi, from.name, to.name, difference);
  }
  return "";
}

}  // namespace

std::optional<Event> FakeDriver::perform(const ReserveSpi& action) {
  if (silent) return std::nullopt;
  if (refuse_spis) return SpiReservationFailed{action.request_id, "no SPI left"};
  larval_[next_spi_] = action.protocol;
  return SpiReserved{action.request_id, next_spi_++};
}

std::optional<Event> FakeDriver::perform(const InstallSa& action) {
  const SaParameters& sa = action.sa;
  if (silent) return std::nullopt;
  if (refuse_installing == sa.direction) return SaInstallFailed{action.request_id, "refused by the test"};
  if (sa.direction == Direction::kInbound) {
    const auto is_larval = [&](std::uint32_t spi, SecurityProtocol protocol) {
      const auto found = larval_.find(spi);
      return found != larval_.end() && found->second == protocol;
    };
    if (!is_larval(sa.spi, sa.protocol) || (sa.ah && !is_larval(sa.ah->spi, SecurityProtocol::kAh)))
      return SaInstallFailed{action.request_id, "the SPI is not larval"};
    larval_.erase(sa.spi);
    if (sa.ah) larval_.erase(sa.ah->spi);
    inbound[sa.spi] = sa;
  } else {
    std::erase_if(outbound, [&](const SaParameters& older) {
      const bool is_replaced = sa.replaces_spi != 0 && older.spi == sa.replaces_spi;
      return older.filter_id == sa.filter_id && older.selector == sa.selector && older.destination == sa.destination &&
             (is_replaced || older.udp_peer_port == sa.udp_peer_port);
    });
    outbound.push_back(sa);
  }
  installed.push_back(sa);
  return SaInstalled{action.request_id};
}

void FakeDriver::perform(const DeleteSa& action) {
  if (action.direction == Direction::kInbound) {
    inbound.erase(action.spi);
    larval_.erase(action.spi);
  } else {
    std::erase_if(outbound,
                  [&](const SaParameters& sa) { return sa.spi == action.spi && sa.destination == action.peer; });
  }
}

void FakeDriver::perform(const MovePeer& action) {
  const auto found = inbound.find(action.spi);
  if (found == inbound.end() || found->second.udp_local_port == 0) return;
  found->second.udp_peer_port = action.port;
  for (SaParameters& sa : outbound) {
    if (sa.spi == found->second.pair_spi && sa.destination == found->second.source) sa.udp_peer_port = action.port;
  }
}

const SaParameters* FakeDriver::in_use(const Selector& outbound_selector) const {
  for (const SaParameters& sa : outbound) {
    if (sa.selector == outbound_selector) return &sa;
  }
  return nullptr;
}

Host::Host(std::string host_name, const std::string& address, std::uint64_t seed, std::uint32_t first_spi)
    : name(std::move(host_name)),
      endpoint{parse_address(address), 500},
      random(seed),
      driver(first_spi),
      engine(random) {}

void Host::crash_ike() {
  std::destroy_at(&engine);
  std::construct_at(&engine, random);
}

void Host::restart() {
  crash_ike();
  driver = FakeDriver(static_cast<std::uint32_t>(0x40000000 + random.below(0x1000000)));
}

const ReportEvent* Host::find_event(const std::string& event_name) const {
  const auto found =
      std::find_if(events.begin(), events.end(), [&](const ReportEvent& event) { return event.name == event_name; });
  return found != events.end() ? &*found : nullptr;
}

std::size_t Host::count_events(const std::string& event_name) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const ReportEvent& event) { return event.name == event_name; }));
}

std::size_t Host::established_main_modes(Timestamp now) const {
  const auto all = engine.main_mode_sas(now);
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const MainModeSaStatus& sa) { return sa.state == "established"; }));
}

PolicyChange whole(IkePolicy policy) {
  PolicyChange change;
  change.filters.count = policy.filters.size();
  change.main_mode_filters.count = policy.main_mode_filters.size();
  for (Filter& filter : policy.filters) {
    const std::size_t place = change.filters.inserted.size();
    change.filters.inserted.push_back({place, std::move(filter)});
  }
  for (MainModeFilter& filter : policy.main_mode_filters) {
    const std::size_t place = change.main_mode_filters.inserted.size();
    change.main_mode_filters.inserted.push_back({place, std::move(filter)});
  }
  policy.filters.clear();
  policy.main_mode_filters.clear();
  change.settings = std::move(policy);
  return change;
}

Pair::Pair(std::uint64_t seed, const std::string& address_a, const std::string& address_b)
    : a("a", address_a, 2 * seed, 0x1000), b("b", address_b, 2 * seed + 1, 0x80001000) {
  wire = [](const SentDatagram&) { return Fate{std::chrono::milliseconds(1)}; };
}

void Pair::set_policy(Host& host, IkePolicy policy) {
  Actions actions;
  const Status status = host.engine.change_policy(whole(std::move(policy)), now, actions);
  if (!status.ok()) throw std::invalid_argument(status.message());
  perform(host, std::move(actions));
}

void Pair::set_policies(IkePolicy of_a, IkePolicy of_b) {
  set_policy(a, std::move(of_a));
  set_policy(b, std::move(of_b));
}

void Pair::acquire(Host& host, std::uint64_t acquire_id, std::uint64_t filter_id) {
  const IpAddress peer = address_seen(other(host));
  const FiveTuple packet{host.endpoint.address, peer, kProtocolTcp, 40000, 445};
  give(host, AcquireRequested{acquire_id, filter_id == 0 ? 1 : filter_id, packet, host.endpoint.address, peer});
}

void Pair::set_certificates(Host& host, CertificateStore store) {
  host.certificates = std::make_shared<const CertificateStore>(std::move(store));
  give(host, CertificatesChanged{summary_of(*host.certificates)});
}

void Pair::give(Host& host, Event event) { perform(host, host.engine.handle(std::move(event), now)); }

void Pair::inject(const Host& from, Bytes bytes) {
  Host& to = other(from);
  give(to, DatagramReceived{to.endpoint, from.endpoint, std::move(bytes)});
}

void Pair::perform(Host& host, Actions actions) {
  for (Action& action : actions) {
    if (const auto* send_action = std::get_if<SendDatagram>(&action)) {
      send(host, *send_action);
    } else if (const auto* keep_alive = std::get_if<SendKeepAlive>(&action)) {
      keep_alives.push_back(*keep_alive);
    } else if (const auto* question = std::get_if<AskForFilter>(&action)) {
      host.questions.push_back(*question);
    } else if (auto* event = std::get_if<ReportEvent>(&action)) {
      host.events.push_back(std::move(*event));
    } else if (const auto* line = std::get_if<WriteLog>(&action)) {
      host.log.push_back(*line);
    } else if (const auto* key = std::get_if<TellMainModeKey>(&action)) {
      host.told_keys.push_back(*key);
    } else if (const auto* dh = std::get_if<ComputeDh>(&action)) {
      give(host, compute(*dh, host.random));
    } else if (const auto* prove_action = std::get_if<ProveIdentity>(&action)) {
      const auto proven =
          with_lists(host, [&] { return prove(prove_action->request, *host.certificates, host.crls, wall_clock); });
      give(host, IdentityProven{prove_action->request_id, answer_of<Proof>(proven)});
    } else if (const auto* verify_action = std::get_if<VerifyPeer>(&action)) {
      const auto verified = with_lists(
          host, [&] { return verify_peer(verify_action->claim, *host.certificates, host.crls, wall_clock); });
      give(host, PeerVerified{verify_action->request_id, answer_of<ProvenPeer>(verified)});
    } else if (const auto* reserve = std::get_if<ReserveSpi>(&action)) {
      if (auto answer = host.driver.perform(*reserve)) give(host, std::move(*answer));
    } else if (const auto* install = std::get_if<InstallSa>(&action)) {
      if (auto answer = host.driver.perform(*install)) give(host, std::move(*answer));
    } else if (const auto* remove = std::get_if<DeleteSa>(&action)) {
      host.driver.perform(*remove);
    } else if (const auto* move = std::get_if<MovePeer>(&action)) {
      host.driver.perform(*move);
    } else if (const auto* failed = std::get_if<AcquireFailed>(&action)) {
      host.driver.perform(*failed);
    }
  }
}

void Pair::send(Host& host, const SendDatagram& datagram) {
  sent.push_back({now, datagram, &host == &a});
  Endpoint source = datagram.local;
  if (const auto& own = translator_of(host))
    source = {own->outside, static_cast<std::uint16_t>(source.port + port_offset(host))};
  Endpoint destination = datagram.peer;
  Host* const to = find_receiver(destination);
  if (to == nullptr) return;
  for (const Duration delay : wire(sent.back())) {
    in_flight_.emplace(now + delay, InFlight{to, {destination, source, datagram.bytes}});
  }
}

std::vector<Host*> Pair::hosts() {
  std::vector<Host*> all = {&a, &b};
  if (c) all.push_back(c.get());
  return all;
}

const std::optional<Translator>& Pair::translator_of(const Host& host) const {
  return &host == &b ? translator_of_b : translator;
}

std::uint16_t Pair::port_offset(const Host& host) const {
  const std::uint16_t offset = translator_of(host)->port_offset;
  return static_cast<std::uint16_t>(&host == c.get() ? offset + kPortsOfSecond : offset);
}

IpAddress Pair::address_seen(const Host& host) const {
  const auto& own = translator_of(host);
  return own ? own->outside : host.endpoint.address;
}

Host* Pair::find_receiver(Endpoint& destination) {
  for (Host* host : hosts()) {
    if (destination.address != address_seen(*host)) continue;
    const int port = destination.port - (translator_of(*host) ? port_offset(*host) : 0);
    if (port != 500 && port != 4500) continue;
    destination = {host->endpoint.address, static_cast<std::uint16_t>(port)};
    return host;
  }
  return nullptr;
}

Timestamp Pair::next_event() const {
  Timestamp next = std::min(a.engine.next_deadline(), b.engine.next_deadline());
  if (c) next = std::min(next, c->engine.next_deadline());
  if (!in_flight_.empty()) next = std::min(next, in_flight_.begin()->first);
  return next;
}

void Pair::run(Duration duration) {
  const Timestamp end = now + duration;
  while (next_event() <= end) {
    now = std::max(now, next_event());
    while (!in_flight_.empty() && in_flight_.begin()->first <= now) {
      InFlight next = std::move(in_flight_.begin()->second);
      in_flight_.erase(in_flight_.begin());
      give(*next.to, std::move(next.datagram));
    }
    for (Host* host : hosts()) {
      if (host->engine.next_deadline() <= now) perform(*host, host->engine.poll(now));
    }
  }
  now = end;
}

IkePolicy make_policy(const IpAddress& local, const IpAddress& remote, const PolicyOptions& options) {
  IkePolicy policy;
  policy.version = options.version;
  policy.policy_name = "test policy";
  policy.profile = options.profile;
  policy.strong_crl_check = options.strong_crl_check;
  policy.main_mode_policies.push_back(
      {"mm", options.main_mode_offers, options.main_mode_lifetime, options.quick_mode_limit, options.master_pfs});
  policy.quick_mode_policies.push_back({"qm", options.quick_mode_offers, options.pfs, options.pfs_group});
  policy.main_mode_filters.push_back({7,
                                      AddressRange::host(local),
                                      AddressRange::host(remote),
                                      100,
                                      "mm",
                                      {KerberosMethod{}, PresharedKeyMethod{SecretBytes(options.psk)}},
                                      "rule"});

  if (!options.authorities.empty()) {
    auto& methods = policy.main_mode_filters.back().authentication;
    methods.assign(options.authorities.begin(), options.authorities.end());
  }

  Selector selector{AddressRange::host(local), AddressRange::host(remote), options.protocol,
                    PortRange::from_number(options.local_port), PortRange::from_number(options.remote_port)};
  if (options.local_network) selector.source = *options.local_network;
  if (options.remote_network) selector.destination = *options.remote_network;
  const auto add = [&](std::uint64_t id, const Selector& outbound, std::uint32_t index) {
    Filter out = make_filter(id, id + 1, Direction::kOutbound, outbound, index);
    Filter in = make_filter(id + 1, id, Direction::kInbound, outbound.mirrored(), index + 1);
    if (options.local_network || options.remote_network) {
      out.tunnel_destination = remote;
      in.tunnel_destination = local;
    }
    policy.filters.push_back(std::move(out));
    policy.filters.push_back(std::move(in));
  };
  for (int extra = 1; extra <= options.extra_filters; ++extra) {
    Selector narrow = selector;
    narrow.protocol = kProtocolTcp;
    // The lower address is the client, so that both ends agree.
    PortRange& port = local < remote ? narrow.destination_port : narrow.source_port;
    port = PortRange::single(static_cast<std::uint16_t>(1000 + extra));
    add(static_cast<std::uint64_t>(extra) * 10 + 1, narrow, static_cast<std::uint32_t>(extra) * 2);
  }
  add(1, selector, 1000);
  return policy;
}

IkePolicy make_default_response_policy(const PolicyOptions& options) {
  const IpAddress anybody = *IpAddress::parse("192.0.2.1");
  IkePolicy policy = make_policy(anybody, anybody, options);
  policy.filters.clear();
  policy.main_mode_filters.clear();
  policy.default_response = {
      true, policy.quick_mode_policies.front(), "mm", {PresharedKeyMethod{SecretBytes(options.psk)}}};
  return policy;
}

IkePolicy with_dynamic_filter(IkePolicy policy, const Selector& outbound, std::uint64_t id) {
  ++policy.version;
  const auto index = static_cast<std::uint32_t>(policy.filters.size());
  policy.filters.push_back(make_filter(id, id + 1, Direction::kOutbound, outbound, index));
  policy.filters.push_back(make_filter(id + 1, id, Direction::kInbound, outbound.mirrored(), index + 1));
  for (std::size_t made = index; made < policy.filters.size(); ++made) {
    policy.filters[made].dynamic = true;
    policy.filters[made].rule_name = std::string(kDefaultResponseRule);
  }
  return policy;
}

void set_mirrored_policies(Pair& pair, const PolicyOptions& options) {
  PolicyOptions of_b = options;
  std::swap(of_b.local_port, of_b.remote_port);
  std::swap(of_b.local_network, of_b.remote_network);
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, options),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, of_b));
}

std::string compare_sas(const Pair& pair) {
  const std::string forth = compare_direction(pair.a, pair.b);
  return forth.empty() ? compare_direction(pair.b, pair.a) : forth;
}

Header header_of(const SentDatagram& sent) { return *parse_header(sent.datagram.bytes); }

std::size_t count_sent(const Pair& pair, ExchangeType exchange) {
  return static_cast<std::size_t>(std::count_if(pair.sent.begin(), pair.sent.end(), [&](const SentDatagram& sent) {
    return header_of(sent).exchange == exchange;
  }));
}

}  // namespace ipsec::ike::tests
