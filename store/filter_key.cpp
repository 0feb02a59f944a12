#include "store/filter_key.h"

#include "store/text.h"

namespace ipsec::store {

namespace {

void append_address(std::string& key, const FilterAddress& address) {
  key.push_back(static_cast<char>(address.index()));
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) {
    key.push_back(static_cast<char>(*keyword));
  } else if (const auto* range = std::get_if<AddressRange>(&address)) {
    for (const IpAddress* end : {&range->first, &range->last}) {
      key.push_back(end->is_v4() ? '4' : '6');
      key.append(reinterpret_cast<const char*>(end->bytes().data()), end->bytes().size());
    }
  } else {
    key += to_lower(std::get<DnsName>(address).name);
    key.push_back('\0');
  }
}

void append_port(std::string& key, std::uint16_t port) {
  key.push_back(static_cast<char>(port >> 8));
  key.push_back(static_cast<char>(port & 0xff));
}

}  // namespace

std::string filter_key(const Filter& filter) {
  std::string key;
  append_address(key, filter.source);
  append_address(key, filter.destination);
  key.push_back(static_cast<char>(filter.protocol));
  append_port(key, filter.source_port);
  append_port(key, filter.destination_port);
  key.push_back(filter.mirrored ? 'm' : 'o');
  return key;
}

}  // namespace ipsec::store
