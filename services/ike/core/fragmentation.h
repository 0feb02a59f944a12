#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/common/time.h"

// Messages in pieces, so that no IP fragments are needed (MS-IKEE 2.2.3 and 3.3, FRG-01): each piece is a clear ISAKMP
// message with one payload of type 132. Pure.
namespace ipsec::ike {

// The pieces of a whole ISAKMP message, in order. `data_size` octets of it in each but the last; `id` is the same in
// all. Requires no more than 255 pieces.
std::vector<Bytes> split_message(ByteView datagram, std::uint16_t id, std::size_t data_size);

struct Fragment {
  std::uint16_t id = 0;
  std::uint8_t number = 0;  // from 1
  bool last = false;
  Bytes data;
};
// Whether the datagram says that it is a piece.
bool is_fragment(ByteView datagram);
// Requires is_fragment. Refuses other payloads beside it, number 0 and pieces without data.
Result<Fragment> parse_fragment(ByteView datagram);

// The pieces of one message that have come so far. Bounded by kMaxFragments and kMaxReassembledSize; a newer id drops
// an older message, pieces that contradict what is known drop it, too.
class FragmentSet {
 public:
  // The whole message once it is there; the set is empty then.
  std::optional<Bytes> add(Fragment fragment, Timestamp now);

 private:
  void begin(std::uint16_t id, Timestamp now);

  std::uint16_t id_ = 0;
  std::uint8_t last_ = 0;  // number of the last one; 0: not yet known
  Timestamp since_{};
  std::size_t size_ = 0;
  std::map<std::uint8_t, Bytes> pieces_;
};

}  // namespace ipsec::ike
