#include "services/driver/core/inbound.h"

#include "services/driver/core/describe.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/udp_encapsulation.h"

namespace ipsec::driver {
namespace {

Batch::Facts facts_of(const Item& item, const Filter* filter = nullptr) {
  return {item.view.tuple, 0, 0, filter == nullptr ? 0 : filter->id, item.trace};
}

void learn_path_mtu(const PacketView& view, Batch& batch) {
  const auto notice = read_too_big(view);
  if (!notice) return;
  const auto sa = batch.tables.sas.find_outbound(notice->spi, notice->protocol, notice->peer);
  const std::uint16_t least = view.is_v4() ? limits::kMinMtuIpv4 : limits::kMinMtuIpv6;
  // Nobody proves who sent this (RFC 4301 8.2.1): believed only for an SA in use, and never below what every path
  // carries.
  if (sa != nullptr) sa->learn_path_mtu(std::max(notice->mtu, least), batch.now);
}

// The SA of which a clear packet should have been: the other half of what the host would answer under.
Sa* find_sa_of_clear(const Item& item, const Filter& filter, const Tables& tables) {
  if (filter.mirror_id == 0) return nullptr;
  const FilterEntry* mirror = tables.filters->find(filter.mirror_id);
  if (mirror == nullptr) return nullptr;
  const FiveTuple answer = item.view.tuple.reversed();
  return tables.sas.find_outbound(mirror->filter.id, peer_of(mirror->filter, answer.destination), answer);
}

}  // namespace

void InboundPath::process(std::span<const Packet> packets, Batch& batch) {
  joiner_.begin_batch();
  for (const Packet& packet : packets) {
    const auto view = parse_ip(packet.bytes);
    if (!batch.tables.active) {  // DRV-01
      batch.conclude(Verdict::kInboundNoFilter, {});
      batch.output.to_host.add(packet.bytes, packet.offload);
    } else if (!view) {
      batch.conclude(Verdict::kInboundMalformed, {});
    } else {
      const Item item{*view, packet.offload, 0, 0, batch.begin_trace(Direction::kInbound, *view)};
      note(item.trace, Step::kInGiven);
      route(item, batch);
    }
  }
  opener_.finish(batch);
  batch.end_traces();
}

void InboundPath::route(const Item& item, Batch& batch) {
  const FiveTuple& tuple = item.view.tuple;
  if (const auto exempt = find_exemption(item.view, batch.tables)) {
    note(item.trace, Step::kInIsakmp, [&] { return std::string(info(*exempt).text); });
    return pass(item, *exempt, nullptr, batch);
  }
  note(item.trace, Step::kInIsakmp, [] { return "no"; });
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
  const bool in_udp = protocol == kProtocolUdp && batch.tables.sas.has_udp();
  if (protocol != kProtocolEsp && protocol != kProtocolAh && !in_udp) return false;
  if (item.view.is_fragment) {
    // A first fragment shows its ports; of the others only the whole tells.
    if (in_udp && item.view.ports_visible && item.view.tuple.destination_port != kNatTraversalPort) return false;
    if (const auto whole = joiner_.join(item, batch)) route(*whole, batch);
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
    batch.conclude(Verdict::kInboundKeepAlive, facts_of(item));
  } else {
    opener_.take_udp(item, inside->esp_offset, batch);
  }
  return true;
}

void InboundPath::take_clear(const Item& item, Batch& batch) {
  note(item.trace, Step::kInParse, [] { return "neither"; });
  if (!batch.dry) learn_path_mtu(item.view, batch);
  if (item.view.is_fragment) return take_clear_fragment(item, batch);
  decide(item, flows_.find(item.view.tuple, batch.tables).filter, batch);
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

void InboundPath::tick(Timestamp now, WorkerCounters& counters) { joiner_.tick(now, counters); }

}  // namespace ipsec::driver
