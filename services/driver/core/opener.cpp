#include "services/driver/core/opener.h"

#include <cstring>

#include "services/driver/core/ah.h"
#include "services/driver/core/checksum.h"
#include "services/driver/core/describe.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/tcp.h"
#include "services/driver/core/tunnel.h"
#include "services/driver/core/udp_encapsulation.h"

namespace ipsec::driver {
namespace {

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

// Puts the headers that stood before AH, UDP or ESP right before its payload. Requires the payload inside outer.bytes.
MutableByteView strip(const PacketView& outer, MutableByteView payload, std::uint8_t next_header) {
  const std::size_t header = outer.upper_offset;
  std::uint8_t* const begin = payload.data() - header;
  std::memmove(begin, outer.bytes.data(), header);
  const MutableByteView packet(begin, header + payload.size());
  packet[outer.upper_name_offset] = next_header;
  set_ip_length(packet, outer.is_v4() ? outer.protect_offset : kIpv6HeaderSize);
  return packet;
}

// RFC 4301 5.2 step 4. A fragment without ports is no traffic of an SA that asks for them.
bool is_traffic_of(const Sa& sa, const PacketView& inner) {
  if (sa.selects_ports() && protocol_has_ports(inner.tuple.protocol) && !inner.ports_visible) return false;
  return sa.parameters().selector.matches(inner.tuple);
}

Batch::Facts facts_of(const Item& item, std::uint32_t spi, std::uint64_t sequence, const Sa* sa = nullptr) {
  return {item.view.tuple, spi, sequence, sa == nullptr ? 0 : sa->parameters().filter_id, item.trace};
}

// The provider never saw this packet; perhaps it will see the next ones.
void ask_for_offload(Sa& sa, const Item& item, Batch& batch) {
  const std::string_view reason = why_not_offloaded(batch.tables.link.offload, sa);
  note(item.trace, Step::kInOffloaded,
       [&] { return reason.empty() ? std::string("no") : fmt::format("no: {}", reason); });
  if (reason.empty() && !batch.dry && batch.state.offload != nullptr && sa.request_offload()) {
    batch.state.offload->add_sa(sa.shared_from_this());
  }
}

}  // namespace

void Opener::take(const Arrived& arrived, Batch& batch) {
  if (arrived.item.view.tuple.protocol == kProtocolAh) return take_ah(arrived, batch);
  take_esp(arrived, arrived.item.view.upper_offset, batch);
}

void Opener::take_udp(const Item& item, std::size_t esp_offset, Batch& batch) {
  take_esp({item, 0, nullptr}, esp_offset, batch);
}

Sa* Opener::find_sa(const Arrived& arrived, std::uint32_t spi, std::uint32_t sequence, Batch& batch) {
  const Item& item = arrived.item;
  const PacketView& outer = item.view;
  const bool in_udp = outer.tuple.protocol == kProtocolUdp;
  note(item.trace, Step::kInSpi, [&] { return fmt::format("{:#010x}", spi); });
  const auto refuse = [&](Verdict verdict, const Sa* known) {
    batch.conclude(verdict, facts_of(item, spi, sequence, known));
    return nullptr;
  };
  // The stack, which checks this otherwise, never sees the header.
  if (outer.is_v4() && !ipv4_checksum_is_good(outer.bytes.first(outer.protect_offset))) {
    return refuse(Verdict::kInboundMalformed, nullptr);
  }
  Sa* const sa = batch.tables.sas.find_inbound(spi);
  const bool known = sa != nullptr && !sa->is_soft() && sa->parameters().destination == outer.tuple.destination;
  note(item.trace, Step::kInLookUp, [&] {
    if (known) item.trace->spi = sa->parameters().spi;
    return known ? describe(*sa) : "none";
  });
  if (!known) {
    note(item.trace, Step::kInBadSpi);
    return refuse(Verdict::kInboundBadSpi, nullptr);
  }
  const bool is_ah = outer.tuple.protocol == kProtocolAh;
  const bool as_agreed = is_ah ? sa->has_ah() && spi == sa->ah_spi()
                               : sa->has_esp() && spi == sa->parameters().spi &&
                                     in_udp == sa->parameters().udp.has_value() &&
                                     (!sa->has_ah() || arrived.under_ah == sa);
  if (!as_agreed) return refuse(Verdict::kInboundWrongEncapsulation, sa);
  if (sa->is_expired()) return refuse(Verdict::kInboundSaExpired, sa);
  return sa;
}

void Opener::take_ah(const Arrived& arrived, Batch& batch) {
  const Item& item = arrived.item;
  const PacketView& outer = item.view;
  const auto header = read_ah(outer.upper());
  if (!header) return batch.conclude(Verdict::kInboundNotDecrypted, facts_of(item, 0, 0));
  Sa* const sa = find_sa(arrived, header->spi, header->sequence, batch);
  if (sa == nullptr) return;
  const std::uint64_t sequence = sa->sequence_of(sa->ah_window(), header->sequence);
  const Batch::Facts facts = facts_of(item, header->spi, sequence, sa);
  if (header->size != ah_header_size(sa->ah_keys().icv_size(), outer.is_v4())) {
    return batch.conclude(Verdict::kInboundNotDecrypted, facts);
  }
  ReplayWindow::Answer answer = sa->ah_window().check(sequence);
  if (answer != ReplayWindow::Answer::kNew) return batch.conclude(verdict_of(answer), facts);
  const auto high =
      sa->parameters().extended_sequence ? std::optional(static_cast<std::uint32_t>(sequence >> 32)) : std::nullopt;
  const bool good = ah_verify({sa->ah_keys(), batch.state.engine_index, outer.bytes, outer.upper_offset, header->size,
                               high, batch.state.arena});
  note(item.trace, Step::kInCrypto, [&] { return good ? "AH is good" : "AH is not authentic"; });
  if (!good) return batch.conclude(Verdict::kInboundNotAuthentic, facts);
  answer = sa->ah_window().commit(sequence);
  if (answer != ReplayWindow::Answer::kNew) return batch.conclude(verdict_of(answer), facts);

  const MutableByteView payload = outer.bytes.subspan(outer.upper_offset + header->size);
  if (!sa->has_esp()) return unwrap({arrived, sa, sequence}, payload, header->next_header, batch);
  const auto inside = parse_ip(strip(outer, payload, header->next_header));
  if (!inside || inside->tuple.protocol != kProtocolEsp) {
    return batch.conclude(Verdict::kInboundWrongEncapsulation, facts);
  }
  Arrived next{item, arrived.nesting, sa};
  next.item.view = *inside;
  take_esp(next, inside->upper_offset, batch);
}

void Opener::take_esp(const Arrived& arrived, std::size_t esp_offset, Batch& batch) {
  const Item& item = arrived.item;
  const MutableByteView esp = item.view.bytes.subspan(esp_offset);
  if (esp.size() < kEspHeaderSize) return batch.conclude(Verdict::kInboundNotDecrypted, facts_of(item, 0, 0));
  const std::uint32_t spi = load_u32(&esp[0]);
  Sa* const sa = find_sa(arrived, spi, load_u32(&esp[4]), batch);
  if (sa == nullptr) return;
  const std::uint64_t sequence = sa->sequence_of(sa->esp_window(), load_u32(&esp[4]));
  const ReplayWindow::Answer answer = sa->esp_window().check(sequence);
  if (answer != ReplayWindow::Answer::kNew) {
    return batch.conclude(verdict_of(answer), facts_of(item, spi, sequence, sa));
  }
  const EspJob job{&sa->keys(), esp, static_cast<std::uint32_t>(sequence >> 32)};
  if (const Opened& opened = item.opened; opened.sa != nullptr) {
    note(item.trace, Step::kInOffloaded, [] { return "yes: it is open"; });
    // While the provider had it, another SA may have come under its SPI.
    if (opened.sa != sa || opened.sequence != sequence) {
      return batch.conclude(Verdict::kInboundOffloadFailed, facts_of(item, spi, sequence, sa));
    }
    return accept({arrived, sa, sequence}, job, batch);
  }
  ask_for_offload(*sa, item, batch);
  jobs_.push_back(job);
  waiting_.push_back({arrived, sa, sequence});
}

void Opener::finish(Batch& batch) {
  while (!jobs_.empty()) open_waiting(batch);
  merger_.flush(batch.output.to_host);
}

void Opener::open_waiting(Batch& batch) {
  opened_.swap(jobs_);
  finishing_.swap(waiting_);
  jobs_.clear();
  waiting_.clear();
  batch.state.engine.open(opened_);
  for (std::size_t i = 0; i < opened_.size(); ++i) finish_one(finishing_[i], opened_[i], batch);
}

void Opener::finish_one(const Waiting& waiting, const EspJob& job, Batch& batch) {
  const Item& item = waiting.arrived.item;
  const Batch::Facts facts = facts_of(item, waiting.sa->parameters().spi, waiting.sequence, waiting.sa);
  if (job.verdict != EspVerdict::kOk) {
    note(item.trace, Step::kInCryptoFailed, [&] { return fmt::format("ESP, sequence number {}", waiting.sequence); });
    return batch.conclude(
        job.verdict == EspVerdict::kBadLength ? Verdict::kInboundNotDecrypted : Verdict::kInboundNotAuthentic, facts);
  }
  note(item.trace, Step::kInCrypto, [&] { return fmt::format("ESP is good, sequence number {}", waiting.sequence); });
  accept(waiting, job, batch);
}

void Opener::accept(const Waiting& waiting, const EspJob& job, Batch& batch) {
  const Item& item = waiting.arrived.item;
  const Batch::Facts facts = facts_of(item, waiting.sa->parameters().spi, waiting.sequence, waiting.sa);
  // Another copy may have been opened in this very batch, or by another worker.
  const ReplayWindow::Answer answer = waiting.sa->esp_window().commit(waiting.sequence);
  if (answer != ReplayWindow::Answer::kNew) return batch.conclude(verdict_of(answer), facts);
  if (item.view.tuple.protocol == kProtocolUdp) follow_nat(waiting, batch);
  const auto trailer = read_trailer(job.clear_part());
  if (!trailer) return batch.conclude(Verdict::kInboundNotDecrypted, facts);
  if (trailer->next_header == kProtocolNone) return batch.conclude(Verdict::kInboundDummy, facts);
  unwrap(waiting, job.clear_part().first(trailer->payload_size), trailer->next_header, batch);
}

void Opener::unwrap(const Waiting& waiting, MutableByteView payload, std::uint8_t next_header, Batch& batch) {
  const Sa& sa = *waiting.sa;
  const Item& item = waiting.arrived.item;
  const MutableByteView packet = sa.is_tunnel() ? payload : strip(item.view, payload, next_header);
  const auto inner = parse_ip(packet);
  const Batch::Facts facts{inner ? inner->tuple : item.view.tuple, sa.parameters().spi, waiting.sequence,
                           sa.parameters().filter_id, item.trace};
  note(item.trace, Step::kInRemove, [&] { return facts.packet.to_string(); });
  const bool version_agrees =
      inner && (!sa.is_tunnel() || next_header == (inner->is_v4() ? kProtocolIpv4 : kProtocolIpv6));
  if (!version_agrees) return batch.conclude(Verdict::kInboundInnerMalformed, facts);
  if (!is_traffic_of(sa, *inner)) return batch.conclude(Verdict::kInboundSelectorMismatch, facts);
  if (!sa.is_tunnel() && is_blocked(*inner, batch.tables)) return batch.conclude(Verdict::kInboundBlocked, facts);
  if (sa.is_tunnel() && !decapsulate_congestion(*inner, item.view.traffic_class())) {
    return batch.conclude(Verdict::kInboundCongestionMark, facts);
  }
  if (sa.parameters().udp && !sa.is_tunnel()) {
    repair_transport_checksum(*inner, *sa.parameters().udp);
    batch.state.nat_flows.learn(NatFlows::flow_of(*inner), sa.parameters().pair_spi, batch.now);
  }
  count_use(waiting, inner->bytes.size(), batch);
  hear_answer(waiting, *inner, batch);
  deliver(waiting, *inner, batch);
}

// In transport mode; what comes out of a tunnel meets all filters (SecondPass). The peer chooses what it sends under an
// SA, which may be for more than the policy lets in. Of a datagram in pieces only the first shows the ports, and
// without it the rest is of no use.
bool Opener::is_blocked(const PacketView& inner, const Tables& tables) {
  const bool without_ports = inner.is_fragment && !inner.ports_visible;
  const FilterEntry* const entry = without_ports
                                       ? tables.filters->match_without_ports(Direction::kInbound, inner.tuple).entry
                                       : flows_.find(inner.tuple, tables).filter;
  return entry != nullptr && entry->filter.action == Action::kBlock;
}

// Transport inside tunnel: the inner packet may be protected for this host again (IN-23).
void Opener::deliver(const Waiting& waiting, const PacketView& inner, Batch& batch) {
  const std::uint8_t protocol = inner.tuple.protocol;
  const bool nested =
      (protocol == kProtocolEsp || protocol == kProtocolAh) && batch.tables.is_local(inner.tuple.destination);
  Arrived next{waiting.arrived.item, waiting.arrived.nesting + 1, nullptr};
  next.item.view = inner;
  // What is known of the packet around is not true of this one.
  next.item.offload = {};
  next.item.opened = {};
  next.item.fragment_size = 0;
  if (!nested && waiting.sa->is_tunnel()) {
    const auto admitted = second_pass_.admit(next.item, *waiting.sa, batch);
    if (admitted) hand_up(waiting, *admitted, batch);
    return;
  }
  if (!nested) return hand_up(waiting, next.item, batch);
  note(next.item.trace, Step::kInTunnel, [&] { return inner.tuple.to_string(); });
  if (next.nesting >= limits::kMaxNesting) {
    return batch.conclude(Verdict::kInboundNestedTooDeep,
                          facts_of(next.item, waiting.sa->parameters().spi, waiting.sequence));
  }
  if (inner.is_fragment) {
    const auto whole = joiner_.join(next.item, batch, waiting.sa->parameters().spi);
    if (!whole) return;
    next.item = *whole;
  }
  take(next, batch);
}

void Opener::hand_up(const Waiting& waiting, const Item& inner, Batch& batch) {
  note(inner.trace, Step::kInDelivered);
  batch.conclude(Verdict::kInboundOpened, facts_of(inner, 0, waiting.sequence));
  if (inner.fragment_size == 0) return merger_.add(inner.view, batch.output.to_host);
  std::vector<MutableByteView> pieces;
  fragment(inner.view, inner.fragment_size, inner.fragment_id, batch.state.arena, pieces);
  for (const MutableByteView& piece : pieces) batch.output.to_host.add(piece);
}

void Opener::count_use(const Waiting& waiting, std::size_t bytes, Batch& batch) {
  Sa& sa = *waiting.sa;
  const SaParameters& parameters = sa.parameters();
  count_bytes(batch.state.counters->received, sa, bytes);
  if (waiting.arrived.item.opened.sa != nullptr) {
    batch.state.counters->received.offloaded.add(bytes);
    sa.count_offloaded(1);
  }
  if (const FilterEntry* entry = batch.tables.filters->find(parameters.filter_id)) entry->counters->add(1, bytes);
  const SaUse use = sa.use(1, bytes, batch.now);
  note(waiting.arrived.item.trace, Step::kInUsed);
  if (!use.rekey) return;
  // IKE renews pairs and knows them by the outbound SPI.
  const auto pair = batch.tables.sas.find_outbound(parameters.pair_spi, parameters.protocol, parameters.peer());
  if (pair == nullptr || !pair->ask_rekey(batch.now)) return;
  batch.output.events.push_back(
      RekeyNeeded{parameters.pair_spi, parameters.peer(), pair->parameters().filter_id, *use.rekey});
}

// What the peer's TCP acknowledges tells which sizes arrive (BlackHoleDetector).
void Opener::hear_answer(const Waiting& waiting, const PacketView& inner, Batch& batch) {
  PathMtu& path = waiting.sa->path();
  if (inner.tuple.protocol != kProtocolTcp || !inner.ports_visible || !path.awaits(inner.tuple)) return;
  const ByteView tcp = inner.upper();
  const auto header = tcp::header_size(tcp);
  if (!header || (tcp[tcp::kFlagsOffset] & tcp::kAck) == 0) return;
  const bool found = path.acknowledged(
      inner.tuple, {tcp::acknowledged(tcp), tcp::longest_selective_run(tcp.first(*header))}, batch.now);
  if (!found) return;
  batch.output.events.push_back(
      PathMtuLowered{waiting.sa->parameters().peer(), path.known().mtu, PathMtuSource::kProbe});
}

// Only now that the packet has proved who sent it (RFC 3948 4): the NAT has another port for the peer.
void Opener::follow_nat(const Waiting& waiting, Batch& batch) {
  const SaParameters& parameters = waiting.sa->parameters();
  const std::uint16_t port = waiting.arrived.item.view.tuple.source_port;
  // An older packet that was overtaken still has the older port.
  if (waiting.sequence < waiting.sa->esp_window().top()) return;
  const auto before = waiting.sa->follow_udp_port(port);
  if (!before) return;
  const auto pair = batch.tables.sas.find_outbound(parameters.pair_spi, SecurityProtocol::kEsp, parameters.peer());
  if (pair != nullptr) pair->follow_udp_port(port);
  batch.output.events.push_back(PeerMoved{parameters.spi, parameters.peer(), *before, port});
}

}  // namespace ipsec::driver
