#include "services/driver/core/outbound.h"

#include <algorithm>

#include "services/driver/core/fragment.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/tunnel.h"

namespace ipsec::driver {
namespace {

Batch::Facts facts_of(const Item& item, const Filter* filter = nullptr, const Sa* sa = nullptr) {
  return {item.view.tuple, sa == nullptr ? 0 : sa->parameters().spi, 0, filter == nullptr ? 0 : filter->id};
}

// Padding 1, 2, 3, ..., its length and the next header (RFC 4303 2.4) after the payload, to the end of the encrypted
// part.
void write_trailer(MutableByteView encrypted, std::size_t payload_size, std::uint8_t next_header) {
  const std::size_t padding = encrypted.size() - payload_size - 2;
  for (std::size_t i = 0; i < padding; ++i) encrypted[payload_size + i] = static_cast<std::uint8_t>(i + 1);
  encrypted[encrypted.size() - 2] = static_cast<std::uint8_t>(padding);
  encrypted[encrypted.size() - 1] = next_header;
}

// Whether somebody but the sender may cut this packet: IPv4 without DF; what arrived in fragments; IPv6 that no router
// may ask to be smaller (RFC 8200 section 5).
bool may_fragment(const Item& item) {
  if (item.view.fragment_header_offset != 0) return false;
  return !item.view.dont_fragment || item.fragment_size != 0 ||
         (!item.view.is_v4() && item.view.bytes.size() <= limits::kMinMtuIpv6);
}

// Octets of the packet that carries the largest segment.
std::size_t largest_carrier(const SegmentPlan& plan, const Item& item, const EspRoom& room, const Sa& sa) {
  const std::size_t payload = plan.largest_size() - (sa.is_tunnel() ? 0 : item.view.protect_offset);
  return room.header_size + sa.suite().packet_size(sa.suite().encrypted_size(payload));
}

}  // namespace

void OutboundPath::process(std::span<const Packet> packets, Batch& batch) {
  joined_.clear();
  for (const Packet& packet : packets) {
    const auto view = parse_ip(packet.bytes);
    if (!batch.tables.active) {  // DRV-01
      batch.state.counters->count(Verdict::kOutboundNoFilter);
      batch.output.to_wire.add(packet.bytes, packet.offload);
    } else if (!view) {
      batch.conclude(Verdict::kOutboundMalformed, {});
    } else {
      route({*view, packet.offload}, batch);
    }
  }
  if (!jobs_.empty()) seal(batch);
}

void OutboundPath::process_released(std::span<HeldPackets::Released> packets, Batch& batch) {
  for (HeldPackets::Released& packet : packets) {
    // Held packets have been parsed before.
    route({*parse_ip(packet.bytes), packet.offload, packet.fragment_size, packet.fragment_id}, batch);
  }
  if (!jobs_.empty()) seal(batch);
}

void OutboundPath::route(const Item& item, Batch& batch) {
  if (pass_exempt(item, batch)) return;
  if (batch.is_unlisted(item.view.tuple.source)) {
    return batch.conclude(Verdict::kOutboundUnlistedAddress, facts_of(item));
  }
  if (item.view.is_fragment) return take_fragment(item, batch);
  decide(item, flows_.find(item.view.tuple, batch.tables), batch);
}

bool OutboundPath::pass_exempt(const Item& item, Batch& batch) {
  const PacketView& view = item.view;
  if (!view.is_v4() && batch.tables.profile == Profile::kWindows2003) {
    pass(item, Verdict::kOutboundIpv6Exempt, batch);
  } else if (is_isakmp(view, view.tuple.source_port)) {
    pass(item, Verdict::kOutboundIsakmp, batch);
  } else if (is_neighbour_discovery(view)) {
    pass(item, Verdict::kOutboundNeighbourDiscovery, batch);
  } else {
    return false;
  }
  return true;
}

// Ports are in the first fragment only. A fragment that passes whatever its ports are goes on as it is; every other one
// must be joined first: for its ports, because it may be ISAKMP, or because ESP protects whole packets (RFC
// 4303 3.3.4).
void OutboundPath::take_fragment(const Item& item, Batch& batch) {
  const auto match = batch.tables.filters->match_without_ports(Direction::kOutbound, item.view.tuple);
  const bool passes = match.entry == nullptr || match.entry->filter.action == Action::kPermit;
  if (!match.depends_on_ports && passes) return decide(item, {match.entry, nullptr}, batch);

  auto datagram = reassembler_.add(item.view, batch.now);
  batch.state.counters->count(Verdict::kOutboundFragmentLost, reassembler_.take_lost());
  if (!datagram) return;
  batch.state.counters->count(Verdict::kOutboundFragmentTaken, datagram->fragments - 1);
  Bytes& bytes = joined_.emplace_back(std::move(datagram->bytes));
  if (const auto view = parse_ip(bytes)) {
    route({*view, {}, datagram->largest_fragment, datagram->id}, batch);
  } else {
    batch.conclude(Verdict::kOutboundMalformed, facts_of(item));
  }
}

void OutboundPath::decide(const Item& item, const FlowDecision& decision, Batch& batch) {
  if (decision.filter == nullptr) return pass(item, Verdict::kOutboundNoFilter, batch);
  const Filter& filter = decision.filter->filter;
  decision.filter->counters->add(1, item.view.bytes.size());
  switch (filter.action) {
    case Action::kPermit:
      return pass(item, Verdict::kOutboundPermitted, batch);
    case Action::kBlock:
      return batch.conclude(Verdict::kOutboundBlocked, facts_of(item, &filter));
    case Action::kNegotiate:
      break;
  }
  if (batch.tables.is_group(item.view.tuple.destination)) {  // EX-15: only unicast can be secured
    batch.conclude(Verdict::kOutboundMulticast, facts_of(item, &filter));
  } else if (decision.sa == nullptr) {
    hold(item, filter, batch);
  } else {
    secure(item, *decision.sa, filter, batch);
  }
}

void OutboundPath::hold(const Item& item, const Filter& filter, Batch& batch) {
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
  if (outcome.verdict) batch.conclude(*outcome.verdict, facts_of(item, &filter));
  if (outcome.acquire) batch.output.events.push_back(std::move(*outcome.acquire));
}

void OutboundPath::pass(const Item& item, Verdict verdict, Batch& batch) {
  batch.conclude(verdict, {item.view.tuple});
  if (item.fragment_size == 0) return batch.output.to_wire.add(item.view.bytes, item.offload);
  std::vector<MutableByteView> pieces;
  fragment(item.view, item.fragment_size, item.fragment_id, batch.state.arena, pieces);
  for (const MutableByteView& piece : pieces) batch.output.to_wire.add(piece);
}

void OutboundPath::secure(const Item& item, Sa& sa, const Filter& filter, Batch& batch) {
  // OUT-11: what the SA may not carry any more waits for its successor, as if there were none.
  if (sa.is_expired()) return hold(item, filter, batch);
  const EspRoom room = esp_room(sa, item.view, batch.tables.link.mtu);
  const auto plan = SegmentPlan::make(item.view, item.offload, room.largest_inner);
  if (!plan) return batch.conclude(Verdict::kOutboundMalformed, facts_of(item, &filter));
  if (plan->largest_size() > room.largest_inner) return secure_too_big(item, *plan, room, sa, filter, batch);
  if (!build(item, *plan, room, false, sa, filter, batch)) return hold(item, filter, batch);
  batch.conclude(Verdict::kOutboundSecured, {});
}

// In tunnel mode a packet is cut before ESP, which spares the receiver the joining; but not where the SA asks for
// ports, which only the first piece would show. Transport mode protects whole packets, so there the ESP packet is cut.
void OutboundPath::secure_too_big(const Item& item, const SegmentPlan& plan, const EspRoom& room, Sa& sa,
                                  const Filter& filter, Batch& batch) {
  if (!may_fragment(item)) return refuse_too_big(item, room, sa, filter, batch);
  if (sa.is_tunnel() && !sa.selects_ports() && !plan.cuts()) {
    return secure_in_fragments(item, plan, room, sa, filter, batch);
  }
  // A datagram of nearly 64 KiB has no room for ESP, however it is cut afterwards.
  if (largest_carrier(plan, item, room, sa) > limits::kMaxPacketSize)
    return refuse_too_big(item, room, sa, filter, batch);
  if (!build(item, plan, room, true, sa, filter, batch)) return hold(item, filter, batch);
  batch.conclude(Verdict::kOutboundSecured, {});
}

void OutboundPath::secure_in_fragments(const Item& item, const SegmentPlan& plan, const EspRoom& room, Sa& sa,
                                       const Filter& filter, Batch& batch) {
  Item whole = item;
  whole.offload = {};
  whole.view.bytes = batch.state.arena.allocate(item.view.bytes.size());
  plan.write(0, whole.view.bytes.first(item.view.protect_offset), whole.view.bytes.subspan(item.view.protect_offset));
  std::vector<MutableByteView> pieces;
  const auto id = item.fragment_size != 0 ? item.fragment_id : static_cast<std::uint32_t>(sa.last_sequence());
  if (!fragment(whole.view, room.largest_inner, id, batch.state.arena, pieces)) {
    return refuse_too_big(item, room, sa, filter, batch);
  }
  // A first piece that ends among the extension headers is refused by receivers (RFC 7112), by ours too.
  if (!parse_ip(pieces.front())) return refuse_too_big(item, room, sa, filter, batch);
  for (const MutableByteView& piece : pieces) {
    const Item part{*parse_ip(piece), {}};
    const auto part_plan = SegmentPlan::make(part.view, part.offload, room.largest_inner);
    // The whole packet goes again under the successor; the receiver cannot join the pieces that have left.
    if (!build(part, *part_plan, room, false, sa, filter, batch)) return hold(item, filter, batch);
  }
  batch.conclude(Verdict::kOutboundSecured, {});
}

// OUT-13. The answer seems to come from the far end: an address of this host would be taken for a forgery.
void OutboundPath::refuse_too_big(const Item& item, const EspRoom& room, Sa& sa, const Filter& filter, Batch& batch) {
  const bool v4 = item.view.is_v4();
  const IpAddress& peer = sa.parameters().destination;
  const IpAddress& from = peer.is_v4() == v4 ? peer : item.view.tuple.destination;
  const std::size_t mtu = v4 ? room.largest_inner : std::max<std::size_t>(room.largest_inner, limits::kMinMtuIpv6);
  batch.output.to_host.add(make_too_big(item.view, from, static_cast<std::uint16_t>(mtu), batch.state.arena));
  batch.conclude(Verdict::kOutboundTooBig, facts_of(item, &filter, &sa));
}

bool OutboundPath::build(const Item& item, const SegmentPlan& plan, const EspRoom& room, bool fragment_outside, Sa& sa,
                         const Filter& filter, Batch& batch) {
  const auto first = sa.take_sequence(plan.count());
  const std::uint64_t bytes = item.view.bytes.size() + (plan.count() - 1) * plan.header_size();
  const SaUse use = first ? sa.use(plan.count(), bytes, batch.now) : SaUse{};
  if (use.rekey)
    batch.output.events.push_back(RekeyNeeded{sa.parameters().spi, sa.parameters().peer(), filter.id, *use.rekey});
  if (!first || !use.allowed) return false;
  count_bytes(batch.state.counters->sent, sa, bytes);
  for (std::size_t i = 0; i < plan.count(); ++i) {
    build_one(item, plan, i, room, fragment_outside, sa, *first + i, batch);
  }
  return true;
}

void OutboundPath::build_one(const Item& item, const SegmentPlan& plan, std::size_t index, const EspRoom& room,
                             bool fragment_outside, Sa& sa, std::uint64_t sequence, Batch& batch) {
  const PacketView& view = item.view;
  const EspSuite& suite = sa.suite();
  const std::size_t own_header = view.protect_offset;
  const std::size_t payload_size = plan.size(index) - (sa.is_tunnel() ? 0 : own_header);
  const MutableByteView packet =
      batch.state.arena.allocate(room.header_size + suite.packet_size(suite.encrypted_size(payload_size)));
  const MutableByteView esp = packet.subspan(room.header_size);
  const MutableByteView encrypted = suite.encrypted_part(esp);
  store_u32(&esp[0], sa.parameters().spi);
  store_u32(&esp[4], static_cast<std::uint32_t>(sequence));

  if (sa.is_tunnel()) {
    plan.write(index, encrypted.first(own_header), encrypted.subspan(own_header, payload_size - own_header));
    set_ip_length(encrypted.first(payload_size), own_header);
    write_trailer(encrypted, payload_size, view.is_v4() ? kProtocolIpv4 : kProtocolIpv6);
    write_outer_header(packet, sa.parameters().source, sa.parameters().destination, view.traffic_class(),
                       view.dont_fragment && !fragment_outside, static_cast<std::uint16_t>(sequence));
  } else {
    plan.write(index, packet.first(own_header), encrypted.first(payload_size));
    write_trailer(encrypted, payload_size, view.bytes[view.protect_name_offset]);
    packet[view.protect_name_offset] = kProtocolEsp;
    set_ip_length(packet, own_header);
  }
  jobs_.push_back({&sa.keys(), esp});
  built_.push_back({packet, fragment_outside ? room.path_mtu : 0, static_cast<std::uint32_t>(sequence)});
  if (jobs_.size() >= limits::kCryptoBatch) seal(batch);
}

void OutboundPath::seal(Batch& batch) {
  batch.state.engine.seal(jobs_);
  for (const Built& built : built_) {
    if (built.fragment_to == 0) {
      batch.output.to_wire.add(built.bytes);
      continue;
    }
    std::vector<MutableByteView> pieces;
    fragment(*parse_ip(built.bytes), built.fragment_to, built.sequence, batch.state.arena, pieces);
    for (const MutableByteView& piece : pieces) batch.output.to_wire.add(piece);
  }
  jobs_.clear();
  built_.clear();
}

void OutboundPath::tick(Timestamp now, WorkerCounters& counters) {
  reassembler_.tick(now);
  counters.count(Verdict::kOutboundFragmentLost, reassembler_.take_lost());
}

}  // namespace ipsec::driver
