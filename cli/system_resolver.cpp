#include "cli/system_resolver.h"

#include <array>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ipsec::cli {

namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

std::optional<IpAddress> address_in(const sockaddr& socket_address) {
  if (socket_address.sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &socket_address, sizeof in);
    return IpAddress::try_from_bytes({reinterpret_cast<const std::uint8_t*>(&in.sin_addr), 4});
  }
  if (socket_address.sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &socket_address, sizeof in);
    return IpAddress::try_from_bytes({reinterpret_cast<const std::uint8_t*>(&in.sin6_addr), 16});
  }
  return std::nullopt;
}

std::pair<sockaddr_storage, socklen_t> socket_address_of(const IpAddress& address) {
  sockaddr_storage storage{};
  if (address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, address.bytes().data(), 4);
    std::memcpy(&storage, &in, sizeof in);
    return {storage, static_cast<socklen_t>(sizeof in)};
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  std::memcpy(&in.sin6_addr, address.bytes().data(), 16);
  std::memcpy(&storage, &in, sizeof in);
  return {storage, static_cast<socklen_t>(sizeof in)};
}

}  // namespace

Result<IpAddress> SystemResolver::address_of(const std::string& name) {
  addrinfo* found = nullptr;
  const int error = getaddrinfo(name.c_str(), nullptr, nullptr, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (error != 0) {
    return not_found(fmt::format("the name '{}' is not resolved: {}", name, gai_strerror(error)));
  }
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    if (const auto address = address_in(*entry->ai_addr)) return *address;
  }
  return not_found(fmt::format("the name '{}' has no IP address", name));
}

std::string SystemResolver::name_of(const IpAddress& address) {
  const auto [storage, length] = socket_address_of(address);
  std::array<char, NI_MAXHOST> name{};
  const int error = getnameinfo(reinterpret_cast<const sockaddr*>(&storage), length, name.data(), name.size(), nullptr,
                                0, NI_NAMEREQD);
  return error == 0 ? std::string(name.data()) : std::string();
}

}  // namespace ipsec::cli
