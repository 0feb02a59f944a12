#include "store/lint/selector_cover.h"

#include <algorithm>
#include <array>
#include <vector>

#include "store/lint/limits.h"

namespace ipsec::store::lint {

namespace {

struct Protocols {
  std::uint8_t first = 0;
  std::uint8_t last = 255;
};

// A selector as a box of five sides, so that what is left of it after a cut is boxes again.
struct Box {
  AddressRange source;
  AddressRange destination;
  Protocols protocol;
  PortRange source_port;
  PortRange destination_port;
};

Box box_of(const Selector& selector) {
  const Protocols one{selector.protocol, selector.protocol};
  return {selector.source, selector.destination, selector.protocol == kProtocolAny ? Protocols{} : one,
          selector.source_port, selector.destination_port};
}

std::uint8_t next(std::uint8_t number) { return static_cast<std::uint8_t>(number + 1); }
std::uint8_t previous(std::uint8_t number) { return static_cast<std::uint8_t>(number - 1); }
std::uint16_t next(std::uint16_t number) { return static_cast<std::uint16_t>(number + 1); }
std::uint16_t previous(std::uint16_t number) { return static_cast<std::uint16_t>(number - 1); }

// The address one above or one below; around the end of the family it goes on at the other.
IpAddress neighbour(const IpAddress& address, bool above) {
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t size = address.bytes().size();
  std::copy(address.bytes().begin(), address.bytes().end(), bytes.begin());
  for (std::size_t i = size; i-- > 0;) {
    bytes[i] = above ? next(bytes[i]) : previous(bytes[i]);
    if (bytes[i] != (above ? 0 : 255)) break;
  }
  return IpAddress::from_bytes({bytes.data(), size});
}
IpAddress next(const IpAddress& address) { return neighbour(address, true); }
IpAddress previous(const IpAddress& address) { return neighbour(address, false); }

// Cuts what of `box` lies outside `cut` along one side into `pieces`, and leaves in `box` what lies inside. False: the
// two do not meet on that side.
template <typename Side>
bool cut_side(Box& box, Side Box::*side, const Side& cut, std::vector<Box>& pieces) {
  Side& mine = box.*side;
  if (cut.last < mine.first || mine.last < cut.first) return false;
  if (mine.first < cut.first) {
    pieces.push_back(box);
    (pieces.back().*side).last = previous(cut.first);
    mine.first = cut.first;
  }
  if (cut.last < mine.last) {
    pieces.push_back(box);
    (pieces.back().*side).first = next(cut.last);
    mine.last = cut.last;
  }
  return true;
}

// Adds what is left of `box` without `cut`.
void subtract(Box box, const Box& cut, std::vector<Box>& left) {
  const Box whole = box;
  const std::size_t before = left.size();
  const bool meet = box.source.family() == cut.source.family() && cut_side(box, &Box::source, cut.source, left) &&
                    cut_side(box, &Box::destination, cut.destination, left) &&
                    cut_side(box, &Box::protocol, cut.protocol, left) &&
                    cut_side(box, &Box::source_port, cut.source_port, left) &&
                    cut_side(box, &Box::destination_port, cut.destination_port, left);
  if (meet) return;
  left.resize(before);
  left.push_back(whole);
}

}  // namespace

bool is_covered(const Selector& selector, std::span<const Selector* const> others) {
  std::vector<Box> left = {box_of(selector)};
  for (const Selector* other : others) {
    const Box cut = box_of(*other);
    std::vector<Box> after;
    for (const Box& box : left) subtract(box, cut, after);
    left = std::move(after);
    if (left.empty()) return true;
    if (left.size() > kMaxPieces) return false;
  }
  return false;
}

}  // namespace ipsec::store::lint
