#include "services/driver/core/inbound_offload.h"

#include <algorithm>
#include <optional>

#include "services/driver/core/udp_encapsulation.h"

namespace ipsec::driver {
namespace {

// nullopt: no ESP in it, or not one that stands where it should.
std::optional<std::size_t> find_esp(const PacketView& view, const Tables& tables) {
  if (view.is_fragment) return std::nullopt;
  if (view.tuple.protocol == kProtocolEsp) return view.upper_offset;
  if (view.tuple.protocol != kProtocolUdp || !tables.sas.has_udp()) return std::nullopt;
  const auto inside = read_udp_encapsulation(view);
  if (!inside || inside->keep_alive) return std::nullopt;
  return inside->esp_offset;
}

// The SA that the provider has for such a packet; null: it is for software, which also finds what is wrong with it.
Sa* offloaded_sa(const PacketView& view, ByteView esp, const Tables& tables) {
  if (esp.size() < kEspHeaderSize) return nullptr;
  const std::uint32_t spi = load_u32(&esp[0]);
  Sa* const sa = tables.sas.find_inbound(spi);
  const bool ours = sa != nullptr && sa->offload() == OffloadState::kActive && spi == sa->parameters().spi &&
                    sa->parameters().destination == view.tuple.destination &&
                    sa->parameters().udp.has_value() == (view.tuple.protocol == kProtocolUdp);
  if (!ours || sa->is_expired() || !why_not_offloaded(tables.link.offload, *sa, view).empty()) return nullptr;
  return sa->suite().fits(esp.size()) ? sa : nullptr;
}

}  // namespace

bool InboundOffload::take(const Packet& packet, const PacketView& view, Batch& batch) {
  const Tables& tables = batch.tables;
  if (lane_.provider() == nullptr || !tables.link.offload.any() || !tables.active) return false;
  if (tables.boot.mode != BootMode::kNone || !tables.is_local(view.tuple.destination)) return false;
  const auto offset = find_esp(view, tables);
  if (!offset) return false;
  const ByteView esp = ByteView(view.bytes).subspan(*offset);
  Sa* const sa = offloaded_sa(view, esp, tables);
  if (sa == nullptr) return false;
  const std::uint64_t sequence = sa->sequence_of(sa->esp_window(), load_u32(&esp[4]));
  if (sa->esp_window().check(sequence) != ReplayWindow::Answer::kNew) return false;

  OffloadWork* const work = lane_.open(batch.output.port, batch.now);
  if (work == nullptr) {
    batch.conclude(Verdict::kInboundOffloadFull,
                   {view.tuple, sa->parameters().spi, sequence, sa->parameters().filter_id, nullptr});
    return true;
  }
  const MutableByteView copy = work->allocate(view.bytes.size());
  std::ranges::copy(view.bytes, copy.begin());
  PacketView copied = view;
  copied.bytes = copy;
  const EspJob job{&sa->keys(), copy.subspan(*offset), static_cast<std::uint32_t>(sequence >> 32)};
  lane_.add(*sa, job, {copied, packet.offload, sa, sequence, sa->parameters().spi, sa->parameters().filter_id});
  return true;
}

}  // namespace ipsec::driver
