#include "services/driver/core/joiner.h"

namespace ipsec::driver {

std::optional<Item> Joiner::join(const Item& fragment, Batch& batch, std::uint32_t origin) {
  auto datagram = reassembler_.add(fragment.view, batch.now, origin);
  batch.state.counters->count(verdicts_.lost, reassembler_.take_lost());
  note(fragment.trace, Step::kFragment, [&] { return datagram ? "the last one: joined" : "kept for the others"; });
  if (!datagram) return std::nullopt;
  batch.state.counters->count(verdicts_.taken, datagram->fragments - 1);
  Bytes& bytes = joined_.emplace_back(std::move(datagram->bytes));
  const auto view = parse_ip(bytes);
  if (!view) {
    batch.conclude(verdicts_.malformed, {fragment.view.tuple, 0, 0, 0, fragment.trace});
    return std::nullopt;
  }
  return Item{*view, {}, datagram->largest_fragment, datagram->id, fragment.trace};
}

void Joiner::tick(Timestamp now, WorkerCounters& counters) {
  reassembler_.tick(now);
  counters.count(verdicts_.lost, reassembler_.take_lost());
}

}  // namespace ipsec::driver
