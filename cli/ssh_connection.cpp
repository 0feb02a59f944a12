#include "cli/ssh_connection.h"

#include "cli/values.h"
#include "cli/words.h"

namespace ipsec::cli {

std::optional<FiveTuple> parse_ssh_connection(std::string_view text) {
  const std::vector<Word> words = split_words(text);
  if (words.size() != 4) return std::nullopt;
  const auto client = IpAddress::parse(words[0].text);
  const auto server = IpAddress::parse(words[2].text);
  const auto client_port = parse_number(words[1].text, 1, 65535, "");
  const auto server_port = parse_number(words[3].text, 1, 65535, "");
  if (!client.ok() || !server.ok() || !client_port.ok() || !server_port.ok()) return std::nullopt;
  return FiveTuple{*client, *server, kProtocolTcp, static_cast<std::uint16_t>(*client_port),
                   static_cast<std::uint16_t>(*server_port)};
}

}  // namespace ipsec::cli
