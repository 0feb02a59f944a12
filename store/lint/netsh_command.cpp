#include "store/lint/netsh_command.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/names.h"

namespace ipsec::store::lint {

namespace {

std::string address_word(const FilterAddress& address) {
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) return std::string(to_string(*keyword));
  if (const auto* range = std::get_if<AddressRange>(&address)) return range_text(*range);
  return std::get<DnsName>(address).name;
}

// netsh writes a double quote inside a certificate's name as \'.
std::string root_ca_text(const CertificateAuthentication& certificate) {
  std::string text;
  for (const char c : certificate.root_ca) text += c == '"' ? std::string("\\'") : std::string(1, c);
  return fmt::format("{} certmap:{} excludecaname:{}", text, certificate.map_to_account ? "yes" : "no",
                     certificate.exclude_ca_name ? "yes" : "no");
}

std::string method_text(const QuickModeOffer& offer) {
  std::string text;
  if (offer.ah) text = fmt::format("AH[{}]", info(*offer.ah).name);
  if (offer.esp) {
    if (!text.empty()) text += '+';
    const CipherInfo& cipher = info(offer.esp->cipher);
    text += cipher.is_aead() ? fmt::format("ESP[{}]", cipher.name)
                             : fmt::format("ESP[{},{}]", cipher.name, info(offer.esp->integrity).name);
  }
  return fmt::format("{}:{}k/{}s", text, offer.lifetime_kilobytes, offer.lifetime_seconds);
}

}  // namespace

NetshCommand& NetshCommand::text(std::string_view tag, std::string_view value) {
  // What netsh, or a shell into which the line is pasted, would not take for text.
  const bool is_text = value.find_first_of("\"$`") == std::string_view::npos &&
                       value.find("\\\\") == std::string_view::npos && !value.ends_with('\\');
  is_writable_ = is_writable_ && is_text;
  line_ += fmt::format(" {}=\"{}\"", tag, value);
  return *this;
}

NetshCommand& NetshCommand::word(std::string_view tag, std::string_view value) {
  line_ += fmt::format(" {}={}", tag, value);
  return *this;
}

NetshCommand& NetshCommand::selector(const Filter& filter) {
  word("srcaddr", address_word(filter.source)).word("dstaddr", address_word(filter.destination));
  if (filter.protocol != kProtocolAny) word("protocol", std::to_string(filter.protocol));
  if (filter.source_port != 0) word("srcport", std::to_string(filter.source_port));
  if (filter.destination_port != 0) word("dstport", std::to_string(filter.destination_port));
  return word("mirrored", filter.mirrored ? "yes" : "no");
}

NetshCommand& NetshCommand::authentication(const std::vector<AuthenticationMethod>& methods,
                                           std::string_view key_text) {
  for (const AuthenticationMethod& method : methods) {
    if (const auto* certificate = std::get_if<CertificateAuthentication>(&method)) {
      text("rootca", root_ca_text(*certificate));
    } else if (std::holds_alternative<PresharedKeyAuthentication>(method)) {
      text("psk", fmt::format("<{}>", key_text));
    } else {
      word("kerberos", "yes");
    }
  }
  return *this;
}

std::vector<std::string> lines(const std::vector<NetshCommand>& commands) {
  std::vector<std::string> written;
  written.reserve(commands.size());
  for (const NetshCommand& command : commands) written.push_back(command.line());
  const bool is_whole = std::none_of(written.begin(), written.end(), [](const auto& line) { return line.empty(); });
  return is_whole ? written : std::vector<std::string>();
}

std::string methods_text(const std::vector<MainModeOffer>& offers) {
  std::string text;
  for (const MainModeOffer& offer : offers) {
    text += fmt::format("{}{}-{}-{}", text.empty() ? "" : " ", info(offer.cipher).name, info(offer.integrity).name,
                        info(offer.group).number);
  }
  return text;
}

std::string methods_text(const std::vector<QuickModeOffer>& offers) {
  std::string text;
  for (const QuickModeOffer& offer : offers) text += (text.empty() ? "" : " ") + method_text(offer);
  return text;
}

}  // namespace ipsec::store::lint
