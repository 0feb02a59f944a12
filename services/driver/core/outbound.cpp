#include "services/driver/core/outbound.h"

#include "services/driver/core/describe.h"
#include "services/driver/core/fragment.h"

namespace ipsec::driver {
namespace {

Batch::Facts facts_of(const Item& item, const Filter* filter = nullptr) {
  return {item.view.tuple, 0, 0, filter == nullptr ? 0 : filter->id, item.trace};
}

}  // namespace

void OutboundPath::process(std::span<const Packet> packets, Batch& batch) {
  joiner_.begin_batch();
  for (const Packet& packet : packets) {
    const auto view = parse_ip(packet.bytes);
    if (!batch.tables.active) {  // DRV-01
      batch.conclude(Verdict::kOutboundNoFilter, {});
      batch.output.to_wire.add(packet.bytes, packet.offload);
    } else if (!view) {
      batch.conclude(Verdict::kOutboundMalformed, {});
    } else {
      const Item item{*view, packet.offload, 0, 0, batch.begin_trace(Direction::kOutbound, *view)};
      note(item.trace, Step::kOutGiven);
      route(item, batch);
    }
  }
  protector_.finish(batch);
  batch.end_traces();
}

void OutboundPath::process_released(std::span<HeldPackets::Released> packets, Batch& batch) {
  for (HeldPackets::Released& packet : packets) {
    // Held packets have been parsed before.
    const PacketView view = *parse_ip(packet.bytes);
    const Item item{view, packet.offload, packet.fragment_size, packet.fragment_id,
                    batch.begin_trace(Direction::kOutbound, view)};
    note(item.trace, Step::kOutAgain);
    route(item, batch);
  }
  protector_.finish(batch);
  batch.end_traces();
}

void OutboundPath::route(const Item& item, Batch& batch) {
  const FiveTuple& tuple = item.view.tuple;
  if (const auto exempt = find_exemption(item.view, batch.tables)) {
    note(item.trace, Step::kOutIsakmp, [&] { return std::string(info(*exempt).text); });
    const bool is_of_ike = *exempt == Verdict::kOutboundIsakmp || *exempt == Verdict::kOutboundKeepAlive;
    if (is_of_ike && tuple.source_port == kNatTraversalPort && !batch.dry) {
      batch.state.nat_filters.sent(item.view, batch.now);
    }
    return pass(item, *exempt, nullptr, batch);
  }
  note(item.trace, Step::kOutIsakmp, [] { return "no"; });
  if (batch.tables.boot.mode != BootMode::kNone) {
    note(item.trace, Step::kBoot);
    BootFilter& boot = batch.state.boot;
    if (batch.dry ? boot.would_pass_outbound(tuple, batch.tables.boot)
                  : boot.passes_outbound(tuple, batch.tables.boot, batch.now)) {
      return pass(item, Verdict::kOutboundBoot, nullptr, batch);
    }
    return batch.conclude(Verdict::kOutboundBootBlocked, facts_of(item));
  }
  if (batch.is_unlisted(tuple.source)) return batch.conclude(Verdict::kOutboundUnlistedAddress, facts_of(item));
  if (item.view.is_fragment) return take_fragment(item, batch);
  decide(item, flows_.find(tuple, batch.tables), batch);
}

std::optional<Verdict> OutboundPath::find_exemption(const PacketView& view, const Tables& tables) const {
  if (!view.is_v4() && tables.profile == Profile::kWindows2003) return Verdict::kOutboundIpv6Exempt;
  if (is_isakmp(view, view.tuple.source_port)) return Verdict::kOutboundIsakmp;
  if (is_nat_keep_alive(view, view.tuple.source_port)) return Verdict::kOutboundKeepAlive;
  if (is_neighbour_discovery(view)) return Verdict::kOutboundNeighbourDiscovery;
  if (tables.exemptions == Exemptions::kIsakmpOnly) return std::nullopt;
  const bool exempt = is_exempt_service(view, tables.exemptions) ||
                      (exempts_groups(tables.exemptions) && tables.is_group(view.tuple.destination));
  return exempt ? std::optional(Verdict::kOutboundExempt) : std::nullopt;
}

// Ports are in the first fragment only. A fragment that passes whatever its ports are goes on as it is; every other one
// must be joined first: for its ports, because it may be ISAKMP, or because AH and ESP protect whole packets (RFC
// 4303 3.3.4).
void OutboundPath::take_fragment(const Item& item, Batch& batch) {
  const auto match = batch.tables.filters->match_without_ports(Direction::kOutbound, item.view.tuple);
  const bool passes = match.entry == nullptr || match.entry->filter.action == Action::kPermit;
  if (!match.depends_on_ports && passes) return decide(item, {match.entry, nullptr}, batch);
  if (const auto whole = joiner_.join(item, batch)) route(*whole, batch);
}

void OutboundPath::decide(const Item& item, const FlowDecision& decision, Batch& batch) {
  if (decision.filter == nullptr) {
    note(item.trace, Step::kOutFilter, [] { return "none"; });
    return pass(item, Verdict::kOutboundNoFilter, nullptr, batch);
  }
  const Filter& filter = decision.filter->filter;
  note(item.trace, Step::kOutFilter, [&] {
    item.trace->filter_id = filter.id;
    return describe(filter);
  });
  if (!batch.dry) decision.filter->counters->add(1, item.view.bytes.size());
  switch (filter.action) {
    case Action::kPermit:
      note(item.trace, Step::kOutAction, [] { return "permit"; });
      return pass(item, Verdict::kOutboundPermitted, &filter, batch);
    case Action::kBlock:
      note(item.trace, Step::kOutAction, [] { return "block"; });
      return batch.conclude(Verdict::kOutboundBlocked, facts_of(item, &filter));
    case Action::kNegotiate:
      break;
  }
  // EX-15: only unicast can be secured.
  if (batch.tables.is_group(item.view.tuple.destination)) {
    return batch.conclude(Verdict::kOutboundMulticast, facts_of(item, &filter));
  }
  Sa* const sa = choose_sa(item, decision, batch);
  note(item.trace, Step::kOutSa, [&] {
    if (sa != nullptr) item.trace->spi = sa->parameters().spi;
    return sa == nullptr ? "none" : describe(*sa);
  });
  if (sa == nullptr) return hold(item, filter, batch);
  if (sa->is_soft()) return pass_soft(item, *sa, filter, batch);
  // OUT-11: what the SA may not carry any more waits for its successor, as if there were none. A manual SA has no
  // successor that IKE could make.
  if (protector_.protect(item, *sa, filter, batch)) return;
  if (!sa->is_manual()) return hold(item, filter, batch);
  const Verdict verdict = sa->is_expired() ? Verdict::kOutboundSaExpired : Verdict::kOutboundSequenceExhausted;
  batch.conclude(verdict, {item.view.tuple, sa->parameters().spi, 0, filter.id, item.trace});
}

// Peers behind one NAT have one address; the flow's last packet from there tells which of them it belongs to.
Sa* OutboundPath::choose_sa(const Item& item, const FlowDecision& decision, Batch& batch) const {
  Sa* const sa = decision.sa;
  if (sa == nullptr || !sa->parameters().udp || sa->is_tunnel()) return sa;
  const std::uint32_t spi = batch.state.nat_flows.find(NatFlows::flow_of(item.view));
  if (spi == 0 || spi == sa->parameters().spi) return sa;
  const SaPointer known = batch.tables.sas.find_outbound(spi, SecurityProtocol::kEsp, sa->parameters().peer());
  const bool fits = known != nullptr && known->parameters().filter_id == sa->parameters().filter_id &&
                    known->parameters().selector.matches(item.view.tuple);
  return fits ? known.get() : sa;  // the tables own it
}

void OutboundPath::hold(const Item& item, const Filter& filter, Batch& batch) {
  note(item.trace, Step::kOutAcquire, [&] {
    return fmt::format("with {}; the packet waits", peer_of(filter, item.view.tuple.destination).to_string());
  });
  if (batch.dry) return;
  const FiveTuple& tuple = item.view.tuple;
  const HeldPackets::Request request{filter.id,
                                     tuple,
                                     filter.tunnel_source.value_or(tuple.source),
                                     peer_of(filter, tuple.destination),
                                     batch.tables.generation,
                                     batch.tables.profile == Profile::kWindows2003};
  const ByteView bytes = item.view.bytes;
  auto outcome = batch.state.held.hold(
      request, {Bytes(bytes.begin(), bytes.end()), item.offload, item.fragment_size, item.fragment_id}, batch.now);
  if (outcome.verdict == Verdict::kOutboundBackOff) note(item.trace, Step::kOutFailed, [] { return "a moment ago"; });
  if (outcome.verdict) batch.conclude(*outcome.verdict, facts_of(item, &filter));
  if (outcome.acquire) batch.output.events.push_back(*outcome.acquire);
}

// SFT-01: the SA says that this peer cannot do IPsec and that the policy allows to go on without.
void OutboundPath::pass_soft(const Item& item, Sa& sa, const Filter& filter, Batch& batch) {
  if (!batch.dry) sa.use(1, item.view.bytes.size(), batch.now);
  pass(item, Verdict::kOutboundSoft, &filter, batch);
}

void OutboundPath::pass(const Item& item, Verdict verdict, const Filter* filter, Batch& batch) {
  if (!batch.state.last_look.agrees({Direction::kOutbound, verdict, filter}, item.view, batch.tables)) {
    return batch.conclude(Verdict::kOutboundAgainstPolicy, facts_of(item, filter));
  }
  note(item.trace, Step::kOutSent, [] { return "unmodified"; });
  batch.conclude(verdict, facts_of(item, filter));
  if (item.fragment_size == 0) return batch.output.to_wire.add(item.view.bytes, item.offload);
  std::vector<MutableByteView> pieces;
  fragment(item.view, item.fragment_size, item.fragment_id, batch.state.arena, pieces);
  for (const MutableByteView& piece : pieces) batch.output.to_wire.add(piece);
}

void OutboundPath::tick(Timestamp now, WorkerCounters& counters) { joiner_.tick(now, counters); }

}  // namespace ipsec::driver
