// Parsing, cutting and joining of IP packets: any octets, no crash, and what is found lies within the packet.
#include <cstdlib>

#include "services/driver/core/arena.h"
#include "services/driver/core/fragment.h"
#include "services/driver/core/icmp.h"
#include "services/driver/core/ip.h"
#include "services/driver/core/reassembly.h"
#include "services/driver/core/segment.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// The first octets choose the offload information and sizes; the rest is the packet.
struct Choice {
  OffloadInfo offload;
  std::size_t mtu = 0;
};

Choice choice_of(ByteView input) {
  Choice choice;
  choice.offload.needs_checksum = (input[0] & 1) != 0;
  choice.offload.segmentation = static_cast<Segmentation>((input[0] >> 1) & 3);
  choice.offload.segment_size = static_cast<std::uint16_t>(input[1] * 8);
  choice.offload.checksum_start = input[2];
  choice.offload.checksum_offset = input[3];
  choice.mtu = 48 + static_cast<std::size_t>(input[4]) * 4;
  return choice;
}

void cut_into_segments(const PacketView& view, const Choice& choice, Arena& arena) {
  const auto plan = SegmentPlan::make(view, choice.offload, choice.mtu);
  if (!plan) return;
  for (std::size_t i = 0; i < plan->count(); ++i) {
    const MutableByteView out = arena.allocate(plan->size(i));
    plan->write(i, out.first(view.protect_offset), out.subspan(view.protect_offset));
  }
}

// A packet cut into fragments and joined again is the packet, wherever the cutting succeeds and the datagram is whole.
// A first piece that ends among extension headers is no sound packet (RFC 7112).
void cut_into_fragments(const PacketView& view, std::size_t mtu, Arena& arena) {
  if (view.is_fragment) return;
  std::vector<MutableByteView> pieces;
  if (!fragment(view, mtu, 1, arena, pieces) || pieces.size() == 1) return;
  Reassembler reassembler;
  for (const MutableByteView& piece : pieces) {
    const auto part = parse_ip(piece);
    if (!part && &piece == &pieces.front() && !view.is_v4()) return;
    require(part && part->is_fragment);
    const auto whole = reassembler.add(*part, {});
    if (&piece != &pieces.back()) continue;
    // Too many pieces are refused; else all octets after the headers are there again.
    if (!whole) continue;
    require(whole->bytes.size() == view.bytes.size());
    require(std::equal(whole->bytes.begin() + view.protect_offset, whole->bytes.end(),
                       view.bytes.begin() + view.protect_offset));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kChoiceSize = 5;
  if (size < kChoiceSize) return 0;
  const Choice choice = choice_of({data, kChoiceSize});
  Bytes packet(data + kChoiceSize, data + size);
  const auto view = parse_ip(packet);
  if (!view) return 0;
  require(view->protect_offset <= view->upper_offset && view->upper_offset <= view->bytes.size());
  require(view->protect_name_offset < view->protect_offset && view->upper_name_offset < view->upper_offset);
  require(view->bytes.size() <= packet.size());
  (void)read_too_big(*view);
  static Arena arena;
  arena.reset();
  cut_into_segments(*view, choice, arena);
  cut_into_fragments(*view, choice.mtu, arena);
  if (view->is_fragment) {
    static Reassembler reassembler;
    if (auto whole = reassembler.add(*view, {})) require(whole->bytes.size() <= 65535);
    require(reassembler.pending() <= 64);
  }
  return 0;
}
