// The filter table against a plain list: any filters, whole or as a difference, give for any packet the first that
// matches.
#include <cstdlib>

#include "services/driver/core/filter_table.h"

using namespace ipsec;
using namespace ipsec::driver;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

// Few addresses, so that filters overlap and packets hit.
IpAddress address_of(std::uint8_t octet, bool v4) {
  if (v4) return IpAddress::v4(0x0A000000U | static_cast<std::uint32_t>(octet & 3) << 16 | (octet >> 2 & 7U));
  Bytes bytes(16);
  bytes[0] = 0xFD;
  bytes[5] = octet & 3;
  bytes[15] = octet >> 2 & 7;
  return IpAddress::from_bytes(bytes);
}

AddressRange range_of(std::uint8_t octet, bool v4) {
  const auto family = v4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  if (octet >= 0xE0) return AddressRange::any(family);
  const IpAddress address = address_of(octet, v4);
  if (octet >= 0xA0) return {address.masked(v4 ? 16 : 48), address};
  return {address, address};
}

constexpr std::size_t kFilterSize = 5;

Filter filter_of(ByteView octets, std::uint64_t id) {
  const bool v4 = (octets[0] & 1) != 0;
  Filter filter;
  filter.id = id;
  filter.direction = (octets[0] & 2) != 0 ? Direction::kInbound : Direction::kOutbound;
  filter.selector.source = range_of(octets[1], v4);
  filter.selector.destination = range_of(octets[2], v4);
  filter.selector.protocol = (octets[0] & 4) != 0 ? kProtocolUdp : (octets[0] & 8) != 0 ? kProtocolTcp : kProtocolAny;
  if (protocol_has_ports(filter.selector.protocol)) {
    filter.selector.source_port = PortRange::from_number(octets[3] & 3);
    filter.selector.destination_port = PortRange::from_number(octets[4] & 3);
  }
  return filter;
}

FiveTuple packet_of(ByteView octets) {
  const bool v4 = (octets[0] & 1) != 0;
  return {address_of(octets[1], v4), address_of(octets[2], v4), (octets[0] & 4) != 0 ? kProtocolUdp : kProtocolTcp,
          static_cast<std::uint16_t>(octets[3] & 3), static_cast<std::uint16_t>(octets[4] & 3)};
}

void compare(const FilterTable& table, const std::vector<Filter>& filters, ByteView packets) {
  for (std::size_t at = 0; at + kFilterSize <= packets.size(); at += kFilterSize) {
    const FiveTuple packet = packet_of(packets.subspan(at, kFilterSize));
    for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
      std::uint64_t expected = 0;
      for (const Filter& filter : filters) {
        if (filter.direction != direction || !filter.selector.matches(packet)) continue;
        expected = filter.id;
        break;
      }
      const FilterEntry* found = table.match(direction, packet);
      check((found == nullptr ? 0 : found->filter.id) == expected);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + 3 * kFilterSize) return 0;
  const ByteView rest(data + 1, size - 1);
  const std::size_t half = rest.size() / 2;
  std::vector<Filter> filters;
  for (std::size_t at = 0; at + kFilterSize <= half; at += kFilterSize) {
    filters.push_back(filter_of(rest.subspan(at, kFilterSize), filters.size() + 1));
  }
  auto table = FilterTable::make(filters, nullptr);
  check(table.ok());
  compare(**table, filters, rest.subspan(half));
  if (filters.empty()) return 0;

  // One goes, one comes at any place.
  const std::size_t gone = data[0] % filters.size();
  const std::uint64_t gone_id = filters[gone].id;
  filters.erase(filters.begin() + static_cast<std::ptrdiff_t>(gone));
  Filter added = filter_of(rest.subspan(half, kFilterSize), 1000);
  added.index = static_cast<std::uint32_t>(data[0] / 7 % (filters.size() + 1));
  filters.insert(filters.begin() + added.index, added);
  auto changed = (*table)->changed({gone_id}, {added}, filters.size());
  check(changed.ok());
  compare(**changed, filters, rest.subspan(half));
  return 0;
}
