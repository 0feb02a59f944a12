#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/model.h"

// Lines of `netsh ipsec static` that do what a finding proposes.
namespace ipsec::store::lint {

// Builds one line: NetshCommand("set rule").text("name", "R").word("activate", "no").
class NetshCommand {
 public:
  explicit NetshCommand(std::string_view verb_and_object) : line_(verb_and_object) {}

  // In quotes.
  NetshCommand& text(std::string_view tag, std::string_view value);
  // As it is: words without blanks.
  NetshCommand& word(std::string_view tag, std::string_view value);
  // The selector parameters of a filter.
  NetshCommand& selector(const Filter& filter);
  // The methods in their order. Keys are not told: each is `key_text` in angle brackets.
  NetshCommand& authentication(const std::vector<AuthenticationMethod>& methods, std::string_view key_text);

  // Empty where a text holds a double quote: netsh has no way to write it.
  std::string line() const { return is_writable_ ? line_ : std::string(); }

 private:
  std::string line_;
  bool is_writable_ = true;
};

// The lines, or none of them if one cannot be written.
std::vector<std::string> lines(const std::vector<NetshCommand>& commands);

// The values of mmsecmethods and qmsecmethods: "AES256-SHA256-14 3DES-SHA1-2", "ESP[AES128-GCM]:100000k/3600s".
std::string methods_text(const std::vector<MainModeOffer>& offers);
std::string methods_text(const std::vector<QuickModeOffer>& offers);

}  // namespace ipsec::store::lint
