#include "services/policyagent/shell/ssh_sessions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

namespace ipsec::agent {

namespace {

constexpr std::uint16_t kSshPort = 22;
constexpr std::string_view kEstablished = "01";  // TCP_ESTABLISHED

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The kernel prints each 32-bit word of an address as a number of the machine's byte order.
std::optional<IpAddress> address_of(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  if (text.size() != kDigits && text.size() != 4 * kDigits) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::size_t size = 0;
  for (; !text.empty(); text.remove_prefix(kDigits), size += sizeof(std::uint32_t)) {
    const auto word = hexadecimal(text.substr(0, kDigits));
    if (!word) return std::nullopt;
    std::memcpy(&bytes[size], &*word, sizeof(std::uint32_t));
  }
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (size == bytes.size() && std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return IpAddress::from_bytes({bytes.data() + kMapped.size(), 4});
  }
  return IpAddress::from_bytes({bytes.data(), size});
}

std::optional<Endpoint> endpoint_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = address_of(text.substr(0, colon));
  const auto port = hexadecimal(text.substr(colon + 1));
  if (!address || !port || *port > 0xffff) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

}  // namespace

std::vector<FiveTuple> parse_ssh_sessions(std::string_view text) {
  std::vector<FiveTuple> sessions;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    std::string number, local_text, remote_text, state;
    columns >> number >> local_text >> remote_text >> state;
    const auto local = endpoint_of(local_text);
    const auto remote = endpoint_of(remote_text);
    if (!local || !remote || state != kEstablished || local->port != kSshPort) continue;
    sessions.push_back({remote->address, local->address, kProtocolTcp, remote->port, local->port});
  }
  return sessions;
}

std::vector<FiveTuple> ssh_sessions() {
  std::vector<FiveTuple> sessions;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(path);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto found = parse_ssh_sessions(text);
    sessions.insert(sessions.end(), found.begin(), found.end());
  }
  return sessions;
}

}  // namespace ipsec::agent
