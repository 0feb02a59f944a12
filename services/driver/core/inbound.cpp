#include "services/driver/core/inbound.h"

#include <cstring>

#include "services/driver/core/checksum.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/tunnel.h"

namespace ipsec::driver {
namespace {

bool is_local(const Tables& tables, const IpAddress& address) {
  return tables.local_addresses.empty() || tables.local_addresses.contains(address);
}

Verdict verdict_of(ReplayWindow::Answer answer) {
  return answer == ReplayWindow::Answer::kReplayed ? Verdict::kInboundReplayed : Verdict::kInboundTooOld;
}

// The end of the encrypted part: padding, its length, next header.
struct Trailer {
  std::size_t payload_size = 0;
  std::uint8_t next_header = 0;
};

// nullopt: longer than the packet, or not the padding 1, 2, 3, ... that every suite of ours asks for (RFC 4303 2.4).
// Requires two octets.
std::optional<Trailer> read_trailer(ByteView clear) {
  const std::size_t padding = clear[clear.size() - 2];
  if (padding + 2 > clear.size()) return std::nullopt;
  const std::size_t payload_size = clear.size() - 2 - padding;
  for (std::size_t i = 0; i < padding; ++i) {
    if (clear[payload_size + i] != i + 1) return std::nullopt;
  }
  return Trailer{payload_size, clear[clear.size() - 1]};
}

// Puts the headers that stood before ESP right before its payload. Requires the payload inside outer.bytes.
MutableByteView rebuild_transport(const PacketView& outer, MutableByteView payload, std::uint8_t next_header) {
  const std::size_t header = outer.upper_offset;
  std::uint8_t* const begin = payload.data() - header;
  std::memmove(begin, outer.bytes.data(), header);
  const MutableByteView packet(begin, header + payload.size());
  packet[outer.upper_name_offset] = next_header;
  set_ip_length(packet, header);
  return packet;
}

// RFC 4301 5.2 step 4. A fragment without ports is no traffic of an SA that asks for them.
bool is_traffic_of(const Sa& sa, const PacketView& inner) {
  if (sa.selects_ports() && protocol_has_ports(inner.tuple.protocol) && !inner.ports_visible) return false;
  return sa.parameters().selector.matches(inner.tuple);
}

void learn_path_mtu(const PacketView& view, Batch& batch) {
  const auto notice = read_too_big(view);
  if (!notice) return;
  const auto sa = batch.tables.sas.find_outbound(notice->spi, notice->peer);
  const std::uint16_t least = view.is_v4() ? limits::kMinMtuIpv4 : limits::kMinMtuIpv6;
  // Nobody proves who sent this (RFC 4301 8.2.1): believed only for an SA in use, and never below what every path
  // carries.
  if (sa != nullptr) sa->learn_path_mtu(std::max(notice->mtu, least), batch.now);
}

}  // namespace

void InboundPath::process(std::span<const Packet> packets, Batch& batch) {
  joined_.clear();
  for (const Packet& packet : packets) {
    const auto view = parse_ip(packet.bytes);
    if (!batch.tables.active) {  // DRV-01
      batch.state.counters->count(Verdict::kInboundNoFilter);
      batch.output.to_host.add(packet.bytes, packet.offload);
    } else if (!view) {
      batch.conclude(Verdict::kInboundMalformed, {});
    } else {
      route({*view, packet.offload}, batch);
    }
  }
  while (!jobs_.empty()) open_waiting(batch);
  merger_.flush(batch.output.to_host);
}

void InboundPath::route(const Item& item, Batch& batch) {
  if (pass_exempt(item, batch)) return;
  const FiveTuple& tuple = item.view.tuple;
  if (batch.is_unlisted(tuple.destination)) return batch.conclude(Verdict::kInboundUnlistedAddress, {tuple});
  const bool secured = tuple.protocol == kProtocolEsp || tuple.protocol == kProtocolAh;
  if (!secured || !is_local(batch.tables, tuple.destination)) return take_clear(item, batch);
  if (!item.view.is_fragment) return take_esp(item.view, 0, batch);
  if (const auto whole = join(item.view, batch)) take_esp(whole->view, 0, batch);
}

bool InboundPath::pass_exempt(const Item& item, Batch& batch) {
  const PacketView& view = item.view;
  if (!view.is_v4() && batch.tables.profile == Profile::kWindows2003) {
    pass(item, Verdict::kInboundIpv6Exempt, batch);
  } else if (batch.tables.is_group(view.tuple.destination)) {
    pass(item, Verdict::kInboundMulticast, batch);
  } else if (is_isakmp(view, view.tuple.destination_port)) {
    pass(item, Verdict::kInboundIsakmp, batch);
  } else if (is_neighbour_discovery(view)) {
    pass(item, Verdict::kInboundNeighbourDiscovery, batch);
  } else {
    return false;
  }
  return true;
}

void InboundPath::pass(const Item& item, Verdict verdict, Batch& batch) {
  batch.conclude(verdict, {item.view.tuple});
  if (item.fragment_size == 0) return batch.output.to_host.add(item.view.bytes, item.offload);
  std::vector<MutableByteView> pieces;
  fragment(item.view, item.fragment_size, item.fragment_id, batch.state.arena, pieces);
  for (const MutableByteView& piece : pieces) batch.output.to_host.add(piece);
}

void InboundPath::take_clear(const Item& item, Batch& batch) {
  learn_path_mtu(item.view, batch);
  if (item.view.is_fragment) return take_clear_fragment(item, batch);
  decide(item, flows_.find(item.view.tuple, batch.tables).filter, batch);
}

// As on the way out: a fragment goes on alone only where it passes whatever its ports are.
void InboundPath::take_clear_fragment(const Item& item, Batch& batch) {
  const auto match = batch.tables.filters->match_without_ports(Direction::kInbound, item.view.tuple);
  const bool passes = match.entry == nullptr || match.entry->filter.action == Action::kPermit ||
                      (match.entry->filter.action == Action::kNegotiate && match.entry->filter.inbound_passthrough);
  if (!match.depends_on_ports && passes) return decide(item, match.entry, batch);
  if (const auto whole = join(item.view, batch)) route(*whole, batch);
}

void InboundPath::decide(const Item& item, const FilterEntry* entry, Batch& batch) {
  if (entry == nullptr) return pass(item, Verdict::kInboundNoFilter, batch);
  const Filter& filter = entry->filter;
  entry->counters->add(1, item.view.bytes.size());
  switch (filter.action) {
    case Action::kPermit:
      return pass(item, Verdict::kInboundPermitted, batch);
    case Action::kBlock:
      return batch.conclude(Verdict::kInboundBlocked, {item.view.tuple, 0, 0, filter.id});
    case Action::kNegotiate:
      if (filter.inbound_passthrough) return pass(item, Verdict::kInboundPassthrough, batch);
      return batch.conclude(Verdict::kInboundClearRefused, {item.view.tuple, 0, 0, filter.id});
  }
}

std::optional<Item> InboundPath::join(const PacketView& fragment, Batch& batch) {
  auto datagram = reassembler_.add(fragment, batch.now);
  batch.state.counters->count(Verdict::kInboundFragmentLost, reassembler_.take_lost());
  if (!datagram) return std::nullopt;
  batch.state.counters->count(Verdict::kInboundFragmentTaken, datagram->fragments - 1);
  Bytes& bytes = joined_.emplace_back(std::move(datagram->bytes));
  const auto view = parse_ip(bytes);
  if (!view) {
    batch.conclude(Verdict::kInboundMalformed, {fragment.tuple});
    return std::nullopt;
  }
  return Item{*view, {}, datagram->largest_fragment, datagram->id};
}

void InboundPath::take_esp(const PacketView& outer, unsigned nesting, Batch& batch) {
  const MutableByteView esp = outer.bytes.subspan(outer.upper_offset);
  const bool is_esp = outer.tuple.protocol == kProtocolEsp;
  if (is_esp && esp.size() < kEspHeaderSize) return batch.conclude(Verdict::kInboundNotDecrypted, {outer.tuple});
  const std::uint32_t spi = is_esp ? load_u32(&esp[0]) : 0;
  const std::uint32_t sequence = is_esp ? load_u32(&esp[4]) : 0;
  const Batch::Facts facts{outer.tuple, spi, sequence, 0};
  // The stack, which checks this otherwise, never sees the header.
  if (outer.is_v4() && !ipv4_checksum_is_good(outer.bytes.first(outer.protect_offset))) {
    return batch.conclude(Verdict::kInboundMalformed, facts);
  }
  Sa* const sa = is_esp ? batch.tables.sas.find_inbound(spi) : nullptr;
  if (sa == nullptr || sa->parameters().destination != outer.tuple.destination) {
    return batch.conclude(Verdict::kInboundBadSpi, facts);
  }
  if (sa->is_expired()) return batch.conclude(Verdict::kInboundSaExpired, facts);
  const ReplayWindow::Answer answer = sa->window().check(sequence);
  if (answer != ReplayWindow::Answer::kNew) return batch.conclude(verdict_of(answer), facts);
  jobs_.push_back({&sa->keys(), esp});
  waiting_.push_back({outer, sa, sequence, nesting});
}

void InboundPath::open_waiting(Batch& batch) {
  opened_.swap(jobs_);
  finishing_.swap(waiting_);
  jobs_.clear();
  waiting_.clear();
  batch.state.engine.open(opened_);
  for (std::size_t i = 0; i < opened_.size(); ++i) finish_one(finishing_[i], opened_[i], batch);
}

void InboundPath::finish_one(const Waiting& waiting, const EspJob& job, Batch& batch) {
  const Batch::Facts facts{waiting.outer.tuple, waiting.sa->parameters().spi, waiting.sequence,
                           waiting.sa->parameters().filter_id};
  if (job.verdict != EspVerdict::kOk) {
    return batch.conclude(
        job.verdict == EspVerdict::kBadLength ? Verdict::kInboundNotDecrypted : Verdict::kInboundNotAuthentic, facts);
  }
  // Another copy may have been opened in this very batch, or by another worker.
  const ReplayWindow::Answer answer = waiting.sa->window().commit(waiting.sequence);
  if (answer != ReplayWindow::Answer::kNew) return batch.conclude(verdict_of(answer), facts);
  const auto trailer = read_trailer(job.clear_part());
  if (!trailer) return batch.conclude(Verdict::kInboundNotDecrypted, facts);
  if (trailer->next_header == kProtocolNone) return batch.conclude(Verdict::kInboundDummy, facts);
  unwrap(waiting, job.clear_part().first(trailer->payload_size), trailer->next_header, batch);
}

void InboundPath::unwrap(const Waiting& waiting, MutableByteView payload, std::uint8_t next_header, Batch& batch) {
  const Sa& sa = *waiting.sa;
  const MutableByteView packet = sa.is_tunnel() ? payload : rebuild_transport(waiting.outer, payload, next_header);
  const auto inner = parse_ip(packet);
  const Batch::Facts facts{inner ? inner->tuple : waiting.outer.tuple, sa.parameters().spi, waiting.sequence,
                           sa.parameters().filter_id};
  const bool version_agrees =
      inner && (!sa.is_tunnel() || next_header == (inner->is_v4() ? kProtocolIpv4 : kProtocolIpv6));
  if (!version_agrees) return batch.conclude(Verdict::kInboundInnerMalformed, facts);
  if (!is_traffic_of(sa, *inner)) return batch.conclude(Verdict::kInboundSelectorMismatch, facts);
  if (sa.is_tunnel() && !decapsulate_congestion(*inner, waiting.outer.traffic_class())) {
    return batch.conclude(Verdict::kInboundCongestionMark, facts);
  }
  count_use(waiting, inner->bytes.size(), batch);
  deliver(waiting, *inner, batch);
}

// Transport inside tunnel: the inner packet may be ESP for this host again (IN-23).
void InboundPath::deliver(const Waiting& waiting, const PacketView& inner, Batch& batch) {
  const bool nested = inner.tuple.protocol == kProtocolEsp && is_local(batch.tables, inner.tuple.destination);
  if (!nested) {
    batch.conclude(Verdict::kInboundOpened, {});
    return merger_.add(inner, batch.output.to_host);
  }
  if (waiting.nesting + 1 >= limits::kMaxNesting) {
    return batch.conclude(Verdict::kInboundNestedTooDeep,
                          {inner.tuple, waiting.sa->parameters().spi, waiting.sequence});
  }
  if (!inner.is_fragment) return take_esp(inner, waiting.nesting + 1, batch);
  if (const auto whole = join(inner, batch)) take_esp(whole->view, waiting.nesting + 1, batch);
}

void InboundPath::count_use(const Waiting& waiting, std::size_t bytes, Batch& batch) {
  Sa& sa = *waiting.sa;
  const SaParameters& parameters = sa.parameters();
  count_bytes(batch.state.counters->received, sa, bytes);
  if (const FilterEntry* entry = batch.tables.filters->find(parameters.filter_id)) entry->counters->add(1, bytes);
  const SaUse use = sa.use(1, bytes, batch.now);
  if (!use.rekey) return;
  // IKE renews pairs and knows them by the outbound SPI.
  const auto pair = batch.tables.sas.find_outbound(parameters.pair_spi, parameters.peer());
  if (pair == nullptr || !pair->ask_rekey(batch.now)) return;
  batch.output.events.push_back(
      RekeyNeeded{parameters.pair_spi, parameters.peer(), pair->parameters().filter_id, *use.rekey});
}

void InboundPath::tick(Timestamp now, WorkerCounters& counters) {
  reassembler_.tick(now);
  counters.count(Verdict::kInboundFragmentLost, reassembler_.take_lost());
}

}  // namespace ipsec::driver
