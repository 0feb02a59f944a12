#include "cli/command.h"

#include <algorithm>

namespace ipsec::cli {

const Argument* Command::find(std::string_view tag) const {
  const auto found = std::find_if(arguments.begin(), arguments.end(),
                                  [tag](const Argument& argument) { return argument.parameter->tag == tag; });
  return found == arguments.end() ? nullptr : &*found;
}

bool Command::is(std::string_view tag, Keyword keyword) const {
  const Keyword* given = get<Keyword>(tag);
  return given != nullptr && *given == keyword;
}

bool Command::yes(std::string_view tag, bool otherwise) const {
  const bool* given = get<bool>(tag);
  return given == nullptr ? otherwise : *given;
}

std::uint32_t Command::number(std::string_view tag, std::uint32_t otherwise) const {
  const std::uint32_t* given = get<std::uint32_t>(tag);
  return given == nullptr ? otherwise : *given;
}

std::string Command::text(std::string_view tag) const {
  const std::string* given = get<std::string>(tag);
  return given == nullptr ? std::string() : *given;
}

bool Command::has_secret() const {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const Argument& argument) { return std::holds_alternative<SecretBytes>(argument.value); });
}

}  // namespace ipsec::cli
