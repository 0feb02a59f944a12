#include "services/driver/core/inbound.h"

#include "services/driver/core/describe.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/protection_room.h"
#include "services/driver/core/udp_encapsulation.h"

namespace ipsec::driver {
namespace {

Batch::Facts facts_of(const Item& item, const Filter* filter = nullptr) {
  return {item.view.tuple, 0, 0, filter == nullptr ? 0 : filter->id, item.trace};
}

// Nobody proves who sent a packet-too-big (RFC 4301 8.2.1). It is believed where it quotes a packet that the SA has
// sent a moment ago: addresses, ports of UDP, SPI and sequence number.
bool quotes_packet_of(const Sa& sa, const TooBigNotice& notice) {
  const SaParameters& parameters = sa.parameters();
  if (notice.packet.source != parameters.source || notice.esp->in_udp != parameters.udp.has_value()) return false;
  if (parameters.udp &&
      (notice.packet.source_port != parameters.udp->local_port || notice.packet.destination_port != sa.udp_port())) {
    return false;
  }
  const auto last = static_cast<std::uint32_t>(sa.last_sequence());
  // Eight octets are quoted at least: only of AH they do not reach the number.
  if (!notice.esp->sequence) return notice.esp->protocol == SecurityProtocol::kAh;
  return last - *notice.esp->sequence < limits::kQuotedPackets;
}

bool learn_path_mtu(const TooBigNotice& notice, Batch& batch) {
  const IpAddress& peer = notice.packet.destination;
  const auto sa = batch.tables.sas.find_outbound(notice.esp->spi, notice.esp->protocol, peer);
  if (sa == nullptr || !quotes_packet_of(*sa, notice)) return false;
  const std::uint16_t mtu = std::max(notice.mtu, least_path_mtu(peer));
  if (batch.dry || mtu >= batch.tables.link.mtu) return true;
  if (sa->path().lower(mtu, PathMtuSource::kRouter, batch.now)) {
    batch.output.events.push_back(PathMtuLowered{peer, mtu, PathMtuSource::kRouter});
  }
  return true;
}

// Whether the packet that a router quotes can have left this host in clear.
enum class QuotedInClear : std::uint8_t { kNo, kYes, kUnknown };

QuotedInClear left_in_clear(const TooBigNotice& notice, const Tables& tables) {
  const FiveTuple& packet = notice.packet;
  // What leaves in clear whatever its filter is.
  const bool may_be_isakmp =
      packet.protocol == kProtocolUdp && (packet.source_port == kIsakmpPort || packet.source_port == kNatTraversalPort);
  if (may_be_isakmp || tables.exemptions != Exemptions::kIsakmpOnly) return QuotedInClear::kUnknown;
  const FilterEntry* entry = nullptr;
  if (notice.is_fragment || (protocol_has_ports(packet.protocol) && !notice.has_ports)) {
    const auto match = tables.filters->match_without_ports(Direction::kOutbound, packet);
    if (match.depends_on_ports) return QuotedInClear::kUnknown;
    entry = match.entry;
  } else {
    entry = tables.filters->match(Direction::kOutbound, packet);
  }
  if (entry == nullptr || entry->filter.action == Action::kPermit) return QuotedInClear::kYes;
  if (entry->filter.action == Action::kBlock) return QuotedInClear::kNo;
  const Sa* const sa = tables.sas.find_outbound(entry->filter, peer_of(entry->filter, packet.destination), packet);
  return sa != nullptr && sa->is_soft() ? QuotedInClear::kYes : QuotedInClear::kNo;
}

// The SA of which a clear packet should have been: the other half of what the host would answer under.
Sa* find_sa_of_clear(const Item& item, const Filter& filter, const Tables& tables) {
  if (filter.mirror_id == 0) return nullptr;
  const FilterEntry* mirror = tables.filters->find(filter.mirror_id);
  if (mirror == nullptr) return nullptr;
  const FiveTuple answer = item.view.tuple.reversed();
  return tables.sas.find_outbound(mirror->filter, peer_of(mirror->filter, answer.destination), answer);
}

// IN-03, IN-04.
bool passed_offload(const Item& item, Batch& batch) {
  const Opened& opened = item.opened;
  note(item.trace, Step::kInOffload, [&] {
    if (opened.sa == nullptr) return "no";
    return opened.good ? "yes: it succeeded" : "yes: it failed";
  });
  if (opened.sa == nullptr || opened.good) return true;
  const SaParameters& sa = opened.sa->parameters();
  note(item.trace, Step::kInOffloadFailed, [&] { return fmt::format("{:#010x}: discarded", sa.spi); });
  batch.conclude(Verdict::kInboundOffloadFailed, {item.view.tuple, sa.spi, opened.sequence, sa.filter_id, item.trace});
  return false;
}

}  // namespace

void InboundPath::process(std::span<const Packet> packets, Batch& batch) {
  joiner_.begin_batch();
  opener_.begin_batch();
  for (const Packet& packet : packets) {
    const auto view = parse_ip(packet.bytes);
    if (!batch.dry && view && offload_.take(packet, *view, batch)) continue;
    receive(packet, view, {}, batch);
  }
  if (!batch.dry) offload_.submit_and_help(batch);
  process_offloaded(batch);
}

void InboundPath::process_offloaded(Batch& batch) {
  if (!batch.dry) collect_offloaded(batch);
  opener_.finish(batch);
  batch.end_traces();
}

void InboundPath::collect_offloaded(Batch& batch) {
  offload_.collect(batch, [&](const Packet& packet, const PacketView& view, const Opened& opened) {
    receive(packet, view, opened, batch);
  });
}

void InboundPath::receive(const Packet& packet, const std::optional<PacketView>& view, const Opened& opened,
                          Batch& batch) {
  if (opened.sa != nullptr && (!batch.tables.active || (view && find_exemption(*view, batch.tables)))) {
    // It would be left alone, and is not any more what has arrived.
    batch.conclude(Verdict::kInboundOffloadFailed, {});
  } else if (!batch.tables.active) {  // DRV-01
    batch.conclude(Verdict::kInboundNoFilter, {});
    batch.output.to_host.add(packet.bytes, packet.offload);
  } else if (!view) {
    batch.conclude(Verdict::kInboundMalformed, {});
  } else {
    const Item item{*view, packet.offload, 0, 0, batch.begin_trace(Direction::kInbound, *view), opened};
    note(item.trace, Step::kInGiven);
    route(item, batch);
  }
}

void InboundPath::route(const Item& item, Batch& batch) {
  const FiveTuple& tuple = item.view.tuple;
  if (const auto exempt = find_exemption(item.view, batch.tables)) {
    note(item.trace, Step::kInIsakmp, [&] { return std::string(info(*exempt).text); });
    if (*exempt == Verdict::kInboundIsakmp && tuple.destination_port == kNatTraversalPort && !batch.dry) {
      batch.state.nat_filters.received(item.view, batch.now);
    }
    return pass(item, *exempt, nullptr, batch);
  }
  note(item.trace, Step::kInIsakmp, [] { return "no"; });
  if (!passed_offload(item, batch)) return;
  if (batch.tables.boot.mode != BootMode::kNone) {
    note(item.trace, Step::kBoot);
    if (batch.state.boot.passes_inbound(tuple, batch.tables.boot, batch.now)) {
      return pass(item, Verdict::kInboundBoot, nullptr, batch);
    }
    return batch.conclude(Verdict::kInboundBootBlocked, facts_of(item));
  }
  if (batch.is_unlisted(tuple.destination)) return batch.conclude(Verdict::kInboundUnlistedAddress, facts_of(item));
  if (batch.tables.is_local(tuple.destination) && take_secured(item, batch)) return;
  take_clear(item, batch);
}

std::optional<Verdict> InboundPath::find_exemption(const PacketView& view, const Tables& tables) const {
  if (!view.is_v4() && tables.profile == Profile::kWindows2003) return Verdict::kInboundIpv6Exempt;
  if (is_isakmp(view, view.tuple.destination_port)) return Verdict::kInboundIsakmp;
  if (is_neighbour_discovery(view)) return Verdict::kInboundNeighbourDiscovery;
  if (is_exempt_service(view, tables.exemptions)) return Verdict::kInboundExempt;
  return std::nullopt;
}

// IN-05. AH and ESP protect whole packets, and in UDP the datagram may have been cut.
bool InboundPath::take_secured(const Item& item, Batch& batch) {
  const std::uint8_t protocol = item.view.tuple.protocol;
  const bool in_udp = protocol == kProtocolUdp &&
                      (batch.tables.sas.has_udp() || is_nat_keep_alive(item.view, item.view.tuple.destination_port));
  if (protocol != kProtocolEsp && protocol != kProtocolAh && !in_udp) return false;
  if (item.view.is_fragment) {
    // Of UDP only the whole tells whether there is ESP in it: what passes in clear is cut again.
    const auto whole = joiner_.join(item, batch);
    // Behind those of its SA that the provider has, or it would push them out of the replay window.
    if (whole && (batch.dry || !offload_.take({whole->view.bytes, {}}, whole->view, batch))) route(*whole, batch);
    return true;
  }
  if (!in_udp) {
    note(item.trace, Step::kInParse, [&] { return protocol == kProtocolAh ? "AH" : "ESP"; });
    opener_.take(item, batch);
    return true;
  }
  const auto inside = read_udp_encapsulation(item.view);
  if (!inside) return false;
  note(item.trace, Step::kInParse, [&] { return inside->keep_alive ? "a keep-alive" : "ESP in UDP"; });
  if (inside->keep_alive) {
    if (!batch.dry) batch.state.nat_filters.received(item.view, batch.now);
    batch.conclude(Verdict::kInboundKeepAlive, facts_of(item));
  } else {
    opener_.take_udp(item, inside->esp_offset, batch);
  }
  return true;
}

void InboundPath::take_clear(const Item& item, Batch& batch) {
  note(item.trace, Step::kInParse, [] { return "neither"; });
  const auto notice = batch.tables.is_local(item.view.tuple.destination) ? read_too_big(item.view) : std::nullopt;
  if (notice) return take_too_big(item, *notice, batch);
  if (item.view.is_fragment) return take_clear_fragment(item, batch);
  decide(item, flows_.find(item.view.tuple, batch.tables).filter, batch);
}

// RFC 4301 8.2 and 6.2: about an SA it is for this driver; about a packet that left in clear it is for the stack, also
// where the filters demand security of the router, which cannot know; about anything else somebody has made it up.
void InboundPath::take_too_big(const Item& item, const TooBigNotice& notice, Batch& batch) {
  if (notice.esp) return conclude_too_big(item, learn_path_mtu(notice, batch), batch);
  const FilterEntry* const entry = flows_.find(item.view.tuple, batch.tables).filter;
  const auto quoted = left_in_clear(notice, batch.tables);
  if (quoted == QuotedInClear::kNo) return conclude_too_big(item, false, batch);
  const bool secured = entry != nullptr && entry->filter.action == Action::kNegotiate;
  if (quoted == QuotedInClear::kUnknown || !secured) return decide(item, entry, batch);
  pass(item, Verdict::kInboundPathMtuPassed, &entry->filter, batch);
}

void InboundPath::conclude_too_big(const Item& item, bool believed, Batch& batch) {
  batch.conclude(believed ? Verdict::kInboundPathMtu : Verdict::kInboundPathMtuRefused, facts_of(item));
}

// As on the way out: a fragment goes on alone only where it passes whatever its ports are.
void InboundPath::take_clear_fragment(const Item& item, Batch& batch) {
  const auto match = batch.tables.filters->match_without_ports(Direction::kInbound, item.view.tuple);
  const bool passes = match.entry == nullptr || match.entry->filter.action == Action::kPermit ||
                      batch.tables.is_group(item.view.tuple.destination);
  if (!match.depends_on_ports && passes) return decide(item, match.entry, batch);
  if (const auto whole = joiner_.join(item, batch)) route(*whole, batch);
}

void InboundPath::decide(const Item& item, const FilterEntry* entry, Batch& batch) {
  const Filter* const filter = entry == nullptr ? nullptr : &entry->filter;
  note(item.trace, Step::kInFilter, [&] {
    if (filter == nullptr) return std::string("none");
    item.trace->filter_id = filter->id;
    return describe(*filter);
  });
  // Nobody can secure them: only a block filter touches them, where they are not exempt from that too (EX-16).
  if (batch.tables.is_group(item.view.tuple.destination)) {
    const bool blocked =
        filter != nullptr && filter->action == Action::kBlock && !exempts_groups(batch.tables.exemptions);
    if (!blocked) return pass(item, Verdict::kInboundMulticast, filter, batch);
  }
  if (filter == nullptr) {
    note(item.trace, Step::kInNoFilter);
    return pass(item, Verdict::kInboundNoFilter, nullptr, batch);
  }
  if (!batch.dry) entry->counters->add(1, item.view.bytes.size());
  switch (filter->action) {
    case Action::kPermit:
      note(item.trace, Step::kInPermitFilter, [] { return "yes"; });
      note(item.trace, Step::kInPermitted);
      return pass(item, Verdict::kInboundPermitted, filter, batch);
    case Action::kBlock:
      note(item.trace, Step::kInPermitFilter, [] { return "no, it blocks"; });
      note(item.trace, Step::kInRefused);
      return batch.conclude(Verdict::kInboundBlocked, facts_of(item, filter));
    case Action::kNegotiate:
      return judge_clear(item, *filter, batch);
  }
}

void InboundPath::judge_clear(const Item& item, const Filter& filter, Batch& batch) {
  const Sa* const sa = find_sa_of_clear(item, filter, batch.tables);
  note(item.trace, Step::kInClearSa, [&] { return sa == nullptr ? "none" : describe(*sa); });
  if (sa == nullptr) {
    note(item.trace, Step::kInPermitFilter, [&] { return filter.admits_clear() ? "yes" : "no"; });
    if (filter.admits_clear()) {
      note(item.trace, Step::kInPermitted);
      return pass(item, Verdict::kInboundPassthrough, &filter, batch);
    }
    note(item.trace, Step::kInRefused);
    return batch.conclude(Verdict::kInboundClearRefused, facts_of(item, &filter));
  }
  note(item.trace, Step::kInSoft, [&] { return sa->is_soft() ? "yes" : "no"; });
  if (!sa->is_soft()) {
    note(item.trace, Step::kInNotSoft);
    return batch.conclude(Verdict::kInboundClearRefused, facts_of(item, &filter));
  }
  note(item.trace, Step::kInSoftPasses);
  Sa* const inbound = batch.tables.sas.find_inbound(sa->parameters().pair_spi);
  if (inbound != nullptr && !batch.dry) inbound->use(1, item.view.bytes.size(), batch.now);
  pass(item, Verdict::kInboundSoft, &filter, batch);
}

void InboundPath::pass(const Item& item, Verdict verdict, const Filter* filter, Batch& batch) {
  if (!batch.state.last_look.agrees({Direction::kInbound, verdict, filter}, item.view, batch.tables)) {
    return batch.conclude(Verdict::kInboundAgainstPolicy, facts_of(item, filter));
  }
  note(item.trace, Step::kInDelivered, [] { return "unmodified"; });
  batch.conclude(verdict, facts_of(item, filter));
  if (item.fragment_size == 0) return batch.output.to_host.add(item.view.bytes, item.offload);
  std::vector<MutableByteView> pieces;
  fragment(item.view, item.fragment_size, item.fragment_id, batch.state.arena, pieces);
  for (const MutableByteView& piece : pieces) batch.output.to_host.add(piece);
}

void InboundPath::tick(Timestamp now, WorkerCounters& counters) {
  joiner_.tick(now, counters);
  opener_.tick(now, counters);
}

}  // namespace ipsec::driver
