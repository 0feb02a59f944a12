#include "services/driver/core/protector.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

#include "services/driver/core/checksum.h"
#include "services/driver/core/describe.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/tcp.h"

namespace ipsec::driver {
namespace {

Batch::Facts facts_of(const Item& item, const Filter& filter, const Sa& sa) {
  return {item.view.tuple, sa.parameters().spi, 0, filter.id, item.trace};
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

// Whether a part of this TCP segment can stand for itself. One with a wrong checksum must not get a right one.
bool may_be_cut(const Item& item) {
  const ByteView segment = item.view.upper();
  const bool urgent = (segment[tcp::kFlagsOffset] & (tcp::kUrg | tcp::kSyn | tcp::kRst)) != 0;
  if (urgent || tcp::is_signed(segment.first(*tcp::header_size(segment)))) return false;
  if (item.offload.needs_checksum || item.offload.segmentation != Segmentation::kNone) return true;
  const FiveTuple& tuple = item.view.tuple;
  return checksum_finish(checksum_add(segment) +
                         checksum_pseudo_header(tuple.source, tuple.destination, kProtocolTcp, segment.size())) == 0;
}

// Octets that the SA carries of a packet of this size.
std::size_t payload_of(const Item& item, const Sa& sa, std::size_t size) {
  return size - (sa.is_tunnel() ? 0 : item.view.protect_offset);
}

std::uint32_t high_half(std::uint64_t sequence, const Sa& sa) {
  return sa.parameters().extended_sequence ? static_cast<std::uint32_t>(sequence >> 32) : 0;
}

}  // namespace

bool Protector::protect(const Item& item, Sa& sa, const Filter& filter, Batch& batch) {
  lent_ = full_ = false;
  note(item.trace, Step::kOutExpired, [&] { return sa.is_expired() ? "yes" : "no"; });
  if (sa.is_expired()) return false;
  const ProtectionRoom room = protection_room(sa, item.view.protect_offset, path_mtu_of(sa, batch.tables.link.mtu));
  const auto plan = SegmentPlan::make(item.view, item.offload, room.largest_inner);
  // Where options contradict themselves no receiver could check AH.
  const bool sound = !sa.has_ah() || sa.is_tunnel() ||
                     ah_can_cover(batch.state.arena.copy_of(item.view.bytes.first(item.view.protect_offset)));
  if (!plan || !sound) {
    batch.conclude(Verdict::kOutboundMalformed, facts_of(item, filter, sa));
    return true;
  }
  note(item.trace, Step::kOutSize, [&] {
    return fmt::format("{} octets of at most {}, path MTU {}{}", plan->largest_size(), room.largest_inner,
                       room.path_mtu, plan->cuts() ? fmt::format(", cut into {}", plan->count()) : std::string());
  });
  const Task task{item, *plan, room, sa, filter};
  if (plan->largest_size() > room.largest_inner) return protect_too_big(task, batch);
  if (!build(task, batch)) return false;
  conclude_secured(task, batch);
  if (!full_) watch_path(task, batch);
  return true;
}

// Only what no router may cut can be swallowed.
void Protector::watch_path(const Task& task, Batch& batch) {
  const PacketView& view = task.item.view;
  if (view.tuple.protocol != kProtocolTcp || !view.ports_visible || !view.dont_fragment || view.is_fragment) return;
  const std::size_t largest = task.room.carrier_size(task.sa, payload_of(task.item, task.sa, task.plan.largest_size()));
  if (largest <= least_path_mtu(task.sa.parameters().destination) || batch.dry) return;
  const ByteView tcp = view.upper();
  PathMtu& path = task.sa.path();
  const auto header = tcp::header_size(tcp);
  if (!header || !path.wants(view.tuple, tcp::sequence(tcp), batch.now)) return;
  const std::size_t data = task.plan.largest_size() - view.upper_offset - *header;
  if (data == 0 || !path.sent(view.tuple, {tcp::sequence(tcp), static_cast<std::uint32_t>(data)}, batch.now)) return;
  note(task.item.trace, Step::kOutSize,
       [] { return "sent again and again: its first octets follow, in smaller packets"; });
  send_heads(task, batch);
}

void Protector::send_heads(const Task& task, Batch& batch) {
  const PacketView& view = task.item.view;
  const std::size_t headers = view.upper_offset + *tcp::header_size(view.upper());
  const std::size_t data = task.plan.largest_size() - headers;
  if (!may_be_cut(task.item)) return;
  std::array<SegmentHead, kPathMtuPlateaus.size()> heads;
  std::size_t count = 0;
  for (const std::uint16_t mtu : kPathMtuPlateaus) {
    if (mtu >= task.room.path_mtu || mtu < least_path_mtu(task.sa.parameters().destination)) continue;
    const std::size_t fits = protection_room(task.sa, view.protect_offset, mtu).largest_inner;
    if (fits <= headers || fits - headers >= data) continue;
    if (!send_head(task, fits, batch)) break;
    heads[count++] = {static_cast<std::uint32_t>(fits - headers), mtu};
  }
  task.sa.path().heads_sent(std::span(heads).first(count));
}

// The first `size` octets as a segment of their own.
bool Protector::send_head(const Task& task, std::size_t size, Batch& batch) {
  const MutableByteView copy = batch.state.arena.copy_of(task.item.view.bytes.first(size));
  set_ip_length(copy, task.item.view.is_v4() ? task.item.view.protect_offset : kIpv6HeaderSize);
  Item head{*parse_ip(copy), {}, 0, 0, nullptr};
  const std::size_t transport = head.view.upper_offset;
  copy[transport + tcp::kFlagsOffset] &= static_cast<std::uint8_t>(~(tcp::kFin | tcp::kPsh | tcp::kCwr));
  head.offload.segmentation = head.view.is_v4() ? Segmentation::kTcp4 : Segmentation::kTcp6;
  head.offload.segment_size = static_cast<std::uint16_t>(size);
  const auto plan = SegmentPlan::make(head.view, head.offload, size);
  return plan && build({head, *plan, task.room, task.sa, task.filter}, batch);
}

// In tunnel mode a packet is cut before protection, which spares the receiver the joining; but not where the SA asks
// for ports, which only the first piece would show, and not what only its sender may cut (RFC 2473 7.1 b). Transport
// mode protects whole packets, so there what comes out is cut.
bool Protector::protect_too_big(Task task, Batch& batch) {
  const auto refuse = [&] {
    refuse_too_big(task, batch);
    return true;
  };
  if (!may_fragment(task.item)) return refuse();
  const bool by_sender_only = !task.item.view.is_v4() && task.item.fragment_size == 0;
  const bool inside = task.sa.is_tunnel() && !task.sa.selects_ports() && !by_sender_only;
  if (inside && !task.plan.cuts()) return protect_in_fragments(task, batch);
  // A datagram of nearly 64 KiB has no room for more headers, however it is cut afterwards.
  const std::size_t largest = payload_of(task.item, task.sa, task.plan.largest_size());
  if (task.room.carrier_size(task.sa, largest) > limits::kMaxPacketSize) return refuse();
  task.fragment_outside = true;
  if (!build(task, batch)) return false;
  conclude_secured(task, batch);
  return true;
}

bool Protector::protect_in_fragments(const Task& task, Batch& batch) {
  const Item& item = task.item;
  Item whole = item;
  whole.offload = {};
  whole.view.bytes = batch.state.arena.allocate(item.view.bytes.size());
  task.plan.write(0, whole.view.bytes.first(item.view.protect_offset),
                  whole.view.bytes.subspan(item.view.protect_offset));
  std::vector<MutableByteView> pieces;
  const auto id = item.fragment_size != 0 ? item.fragment_id : static_cast<std::uint32_t>(task.sa.last_sequence());
  // A first piece that ends among the extension headers is refused by receivers (RFC 7112), by ours too.
  if (!fragment(whole.view, task.room.largest_inner, id, batch.state.arena, pieces) || !parse_ip(pieces.front())) {
    refuse_too_big(task, batch);
    return true;
  }
  for (const MutableByteView& piece : pieces) {
    const Item part{*parse_ip(piece), {}, 0, 0, item.trace};
    const auto plan = SegmentPlan::make(part.view, part.offload, task.room.largest_inner);
    // The whole packet goes again under the successor; the receiver cannot join the pieces that have left.
    if (!build({part, *plan, task.room, task.sa, task.filter}, batch)) return false;
  }
  conclude_secured(task, batch);
  return true;
}

// OUT-13. The answer seems to come from the far end: an address of this host would be taken for a forgery.
void Protector::refuse_too_big(const Task& task, Batch& batch) {
  const PacketView& view = task.item.view;
  const IpAddress& peer = task.sa.parameters().destination;
  const IpAddress& from = peer.is_v4() == view.is_v4() ? peer : view.tuple.destination;
  const std::size_t fits = task.room.largest_inner;
  const std::size_t mtu = view.is_v4() ? fits : std::max<std::size_t>(fits, limits::kMinMtuIpv6);
  note(task.item.trace, Step::kOutTooBig, [&] { return fmt::format("MTU {}", mtu); });
  if (batch.dry || batch.state.icmp_errors.admits(batch.now)) {
    batch.output.to_host.add(make_too_big(view, from, static_cast<std::uint16_t>(mtu), batch.state.arena));
  }
  batch.conclude(Verdict::kOutboundTooBig, facts_of(task.item, task.filter, task.sa));
}

bool Protector::build(const Task& task, Batch& batch) {
  if (batch.dry) return true;
  Sa& sa = task.sa;
  const SegmentPlan& plan = task.plan;
  const auto first = sa.take_sequence(plan.count());
  const std::uint64_t bytes = task.item.view.bytes.size() + (plan.count() - 1) * plan.header_size();
  const SaUse use = first ? sa.use(plan.count(), bytes, batch.now) : SaUse{};
  if (use.rekey) {
    note(task.item.trace, Step::kOutRekey, [] { return "yes: IKE is asked for a successor"; });
    batch.output.events.push_back(RekeyNeeded{sa.parameters().spi, sa.parameters().peer(), task.filter.id, *use.rekey});
  }
  if (!first || !use.allowed) return false;
  note(task.item.trace, Step::kOutUsed);
  note(task.item.trace, Step::kOutHeaders,
       [&] { return fmt::format("{} octets", task.room.carrier_size(sa, payload_of(task.item, sa, plan.size(0)))); });
  count_bytes(batch.state.counters->sent, sa, bytes);
  if (full_) return true;
  lent_ = is_offloaded(task, batch);
  if (lent_) {
    batch.state.counters->sent.offloaded.add(bytes);
    sa.count_offloaded(plan.count());
  }
  for (std::size_t i = 0; i < plan.count(); ++i) {
    OffloadWork* const work = lent_ ? make_room(batch) : nullptr;
    full_ = lent_ && work == nullptr;
    if (full_) return true;
    build_one(task, i, *first + i, work, batch);
  }
  if (lent_) {
    note(task.item.trace, Step::kOutOffloaded, [&] { return batch.tables.link.offload.provider; });
  } else {
    note(task.item.trace, Step::kOutCrypto, [&] { return fmt::format("sequence number {}", *first); });
  }
  note(task.item.trace, Step::kOutSent);
  return true;
}

// OUT-15, OUT-17.
bool Protector::is_offloaded(const Task& task, Batch& batch) const {
  Sa& sa = task.sa;
  PacketTrace* const trace = task.item.trace;
  if (const auto reason = why_not_offloaded(batch.tables.link.offload, sa, task.item.view); !reason.empty()) {
    note(trace, Step::kOutOffload, [&] { return fmt::format("no: {}", reason); });
    return false;
  }
  const OffloadState state = lane_.provider() == nullptr ? OffloadState::kFailed : sa.offload();
  note(trace, Step::kOutOffload, [&] {
    constexpr std::string_view kWords[] = {"yes, but it is not", "yes, but the interface has not answered yet",
                                           "yes, it is", "no: it failed before"};
    return std::string(kWords[static_cast<std::size_t>(state)]);
  });
  if (state == OffloadState::kNone && sa.request_offload()) {
    note(trace, Step::kOutOffloadAdd, [&] { return batch.tables.link.offload.provider; });
    lane_.provider()->add_sa(sa.shared_from_this());
  }
  return state == OffloadState::kActive;
}

OffloadWork* Protector::make_room(Batch& batch) {
  if (OffloadWork* const work = lane_.open(batch.output.port, batch.now)) return work;
  lane_.submit_and_help(batch.state.engine);
  collect(batch);
  return lane_.open(batch.output.port, batch.now);
}

// A packet that is with the provider gets its verdict when its last piece is back.
void Protector::conclude_secured(const Task& task, Batch& batch) {
  const Batch::Facts facts = facts_of(task.item, task.filter, task.sa);
  if (full_) return batch.conclude(Verdict::kOutboundOffloadFull, facts);
  if (!lent_) return batch.conclude(Verdict::kOutboundSecured, facts);
  Lent* const last = lane_.last();
  if (facts.trace != nullptr) facts.trace->verdict = Verdict::kOutboundSecured;
  last->concludes = facts;
  last->concludes->trace = nullptr;  // gone by then
}

void Protector::build_one(const Task& task, std::size_t index, std::uint64_t sequence, OffloadWork* work,
                          Batch& batch) {
  const PacketView& view = task.item.view;
  const SaParameters& parameters = task.sa.parameters();
  const ProtectionRoom& room = task.room;
  const bool tunnel = task.sa.is_tunnel();
  const std::size_t own_header = view.protect_offset;
  const std::size_t payload_size = payload_of(task.item, task.sa, task.plan.size(index));
  const std::size_t size = room.carrier_size(task.sa, payload_size);
  const MutableByteView packet = work != nullptr ? work->allocate(size) : batch.state.arena.allocate(size);
  const MutableByteView esp = packet.subspan(room.esp_offset());
  const MutableByteView encrypted = task.sa.has_esp() ? task.sa.suite().encrypted_part(esp) : esp;
  const MutableByteView payload = encrypted.first(payload_size);

  if (tunnel) {
    task.plan.write(index, payload.first(own_header), payload.subspan(own_header));
    set_ip_length(payload, own_header);
  } else {
    task.plan.write(index, packet.first(own_header), payload);
  }
  std::uint8_t protocol = view.bytes[view.protect_name_offset];
  if (tunnel) protocol = view.is_v4() ? kProtocolIpv4 : kProtocolIpv6;
  if (task.sa.has_esp()) {
    store_u32(&esp[0], parameters.spi);
    store_u32(&esp[4], static_cast<std::uint32_t>(sequence));
    write_trailer(encrypted, payload_size, protocol);
    protocol = kProtocolEsp;
  }
  if (parameters.udp) {
    write_udp_encapsulation(packet.subspan(room.header_size), *parameters.udp, task.sa.udp_port());
    protocol = kProtocolUdp;
  }
  if (task.sa.has_ah()) {
    write_ah(packet.subspan(room.header_size, room.ah_size), protocol, task.sa.ah_spi(),
             static_cast<std::uint32_t>(sequence));
    protocol = kProtocolAh;
  }
  if (tunnel) {
    write_outer_header(packet, {parameters.source, parameters.destination, protocol, view.traffic_class(),
                                view.dont_fragment && !task.fragment_outside, static_cast<std::uint16_t>(sequence)});
  } else {
    packet[view.protect_name_offset] = protocol;
    set_ip_length(packet, own_header);
  }
  const Built built{packet,
                    &task.sa,
                    sequence,
                    task.fragment_outside ? static_cast<std::uint32_t>(room.path_mtu) : 0,
                    static_cast<std::uint16_t>(room.header_size),
                    static_cast<std::uint16_t>(room.ah_size)};
  if (task.sa.has_esp()) {
    const EspJob job{&task.sa.keys(), esp, high_half(sequence, task.sa), task.sa.iv_start()};
    if (work != nullptr) return lane_.add(task.sa, job, {built, {}});
    jobs_.push_back(job);
  }
  built_.push_back(built);
  if (built_.size() >= limits::kCryptoBatch) seal(batch);
}

void Protector::finish(Batch& batch) {
  if (batch.dry) return;
  if (!built_.empty()) seal(batch);
  lane_.submit_and_help(batch.state.engine);
  collect(batch);
}

void Protector::collect(Batch& batch) {
  const auto conclude = [&](Verdict verdict, const Lent& lent) {
    if (lent.concludes) batch.conclude(verdict, *lent.concludes);
  };
  lane_.collect(
      batch.output.port, batch.now,
      [&](const EspJob& job, const Lent& lent) {
        // Blank fields would be clear text.
        if (job.verdict != EspVerdict::kOk) return conclude(Verdict::kOutboundOffloadFailed, lent);
        conclude(Verdict::kOutboundSecured, lent);
        if (complete(lent.built, batch)) send(lent.built, batch);
      },
      [&](const Lent& lent) { conclude(Verdict::kOutboundOffloadFailed, lent); });
}

void Protector::seal(Batch& batch) {
  batch.state.engine.seal(jobs_);
  for (const Built& built : built_) {
    if (complete(built, batch)) send(built, batch);
  }
  jobs_.clear();
  built_.clear();
}

bool Protector::complete(const Built& built, Batch& batch) {
  const SaParameters& sa = built.sa->parameters();
  if (sa.udp && !sa.destination.is_v4()) {
    set_udp_checksum(built.bytes.subspan(built.header_size), sa.source, sa.destination);
  }
  if (!built.sa->has_ah()) return true;
  const auto high = sa.extended_sequence ? std::optional(high_half(built.sequence, *built.sa)) : std::nullopt;
  const bool is_signed = ah_sign({built.sa->ah_keys(), batch.state.engine_index, built.bytes, built.header_size,
                                  built.ah_size, high, batch.state.arena, built.sa->ah_iv_start()});
  assert(is_signed);  // protect() has read the headers
  return is_signed;
}

void Protector::send(const Built& built, Batch& batch) {
  if (built.fragment_to == 0) return batch.output.to_wire.add(built.bytes);
  std::vector<MutableByteView> pieces;
  fragment(*parse_ip(built.bytes), built.fragment_to, static_cast<std::uint32_t>(built.sequence), batch.state.arena,
           pieces);
  for (const MutableByteView& piece : pieces) batch.output.to_wire.add(piece);
}

}  // namespace ipsec::driver
