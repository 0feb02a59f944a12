#include "services/ike/core/fragmentation.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "services/ike/core/limits.h"
#include "services/ike/wire/message.h"

namespace ipsec::ike {

namespace {

constexpr auto kFragmentPayload = static_cast<PayloadType>(132);
constexpr std::uint8_t kLastFlag = 1;

}  // namespace

std::vector<Bytes> split_message(ByteView datagram, std::uint16_t id, std::size_t data_size) {
  assert((datagram.size() + data_size - 1) / data_size <= 255);
  Header header = *parse_header(datagram);
  header.flags &= static_cast<std::uint8_t>(~kFlagEncrypted);
  std::vector<Bytes> pieces;
  std::uint8_t number = 0;
  for (ByteView rest = datagram; !rest.empty();) {
    const ByteView data = rest.first(std::min(rest.size(), data_size));
    rest = rest.subspan(data.size());
    ByteWriter body;
    body.u16(id).u8(++number).u8(rest.empty() ? kLastFlag : 0).bytes(data);
    const std::vector<PayloadContent> payload = {OpaquePayload{kFragmentPayload, body.take()}};
    pieces.push_back(write_clear_message(header, payload));
  }
  return pieces;
}

bool is_fragment(ByteView datagram) {
  const auto header = parse_header(datagram);
  return header.ok() && header->next_payload == kFragmentPayload && !header->encrypted();
}

Result<Fragment> parse_fragment(ByteView datagram) {
  IPSEC_ASSIGN_OR_RETURN(const Message message, parse_clear_message(datagram));
  const auto* payload = message.chain.find<OpaquePayload>();
  if (message.chain.payloads.size() != 1 || payload == nullptr) return invalid("fragment: another payload beside it");
  ByteReader in(payload->body);
  const auto id = in.read_u16();
  const auto number = in.read_u8();
  const auto flags = in.read_u8();
  if (!id || !number || !flags || *number == 0 || in.empty()) return invalid("fragment: cut off or without number");
  const ByteView data = in.rest();
  return Fragment{*id, *number, (*flags & kLastFlag) != 0, Bytes(data.begin(), data.end())};
}

void FragmentSet::begin(std::uint16_t id, Timestamp now) {
  id_ = id;
  last_ = 0;
  since_ = now;
  size_ = 0;
  pieces_.clear();
}

std::optional<Bytes> FragmentSet::add(Fragment fragment, Timestamp now) {
  if (pieces_.empty() || fragment.id != id_ || now - since_ >= kFragmentLifetime) begin(fragment.id, now);
  if (pieces_.contains(fragment.number)) return std::nullopt;
  const std::uint8_t highest = pieces_.empty() ? 0 : pieces_.rbegin()->first;
  const bool second_last = fragment.last && last_ != 0;
  const bool beyond = (last_ != 0 && fragment.number > last_) || (fragment.last && fragment.number < highest);
  const bool too_much = fragment.number > kMaxFragments || size_ + fragment.data.size() > kMaxReassembledSize;
  if (second_last || beyond || too_much) {
    begin(0, now);
    return std::nullopt;
  }
  if (fragment.last) last_ = fragment.number;
  size_ += fragment.data.size();
  pieces_.emplace(fragment.number, std::move(fragment.data));
  if (last_ == 0 || pieces_.size() != last_) return std::nullopt;
  Bytes whole;
  whole.reserve(size_);
  for (const auto& [number, data] : pieces_) whole.insert(whole.end(), data.begin(), data.end());
  begin(0, now);
  return whole;
}

}  // namespace ipsec::ike
