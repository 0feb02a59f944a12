#include "services/policyagent/shell/name_resolution.h"

#include <algorithm>
#include <array>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include "services/policyagent/shell/limits.h"
#include "store/limits.h"

namespace ipsec::agent {
namespace {

IpAddress address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return IpAddress::v4(ntohl(v4.sin_addr.s_addr));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IpAddress::from_bytes(v6.sin6_addr.s6_addr);
}

// The system's resolver does not tell lifetimes, so the DNS server is asked once more.
std::optional<Duration> ask_lifetime(const std::string& name, int type) {
  struct __res_state state {};
  if (res_ninit(&state) != 0) return std::nullopt;
  const std::unique_ptr<struct __res_state, void (*)(res_state)> owner(&state, res_nclose);
  state.retrans = limits::kLifetimeQuerySeconds;
  state.retry = 1;
  std::array<std::uint8_t, limits::kLargestDnsAnswer> message{};
  const int size = res_nsearch(&state, name.c_str(), ns_c_in, type, message.data(), static_cast<int>(message.size()));
  if (size <= 0) return std::nullopt;
  return shortest_lifetime(ByteView(message).first(std::min(static_cast<std::size_t>(size), message.size())));
}

}  // namespace

std::vector<IpAddress> resolve_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* each = found; each != nullptr && addresses.size() < store::kMaxResolvedAddresses;
       each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    const IpAddress address = address_of(*each->ai_addr);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

NameAnswer look_up_name(const std::string& name) {
  NameAnswer answer{resolve_name(name), {}};
  for (const int type : {ns_t_a, ns_t_aaaa}) {
    if (answer.addresses.empty()) break;
    const auto lifetime = ask_lifetime(name, type);
    if (lifetime) answer.lifetime = std::min(answer.lifetime.value_or(*lifetime), *lifetime);
  }
  return answer;
}

std::optional<Duration> shortest_lifetime(ByteView message) {
  ns_msg parsed;
  if (ns_initparse(message.data(), static_cast<int>(message.size()), &parsed) != 0) return std::nullopt;
  std::optional<Duration> shortest;
  for (int record = 0; record < ns_msg_count(parsed, ns_s_an); ++record) {
    ns_rr answer;
    if (ns_parserr(&parsed, ns_s_an, record, &answer) != 0) return std::nullopt;
    const Duration lifetime = std::chrono::seconds(ns_rr_ttl(answer));
    shortest = std::min(shortest.value_or(lifetime), lifetime);
  }
  return shortest;
}

}  // namespace ipsec::agent
