#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/grammar.h"
#include "cli/methods.h"
#include "cli/values.h"
#include "services/common/secret.h"

// A command line that has been understood: which command, and its arguments as values. Pure.
namespace ipsec::cli {

// The bare words that stand for objects instead of naming one.
enum class Keyword : std::uint8_t { kAll, kDefault };

using Value = std::variant<bool, std::uint32_t, std::string, Keyword, DhGroup, AddressValue, Mask,
                           std::vector<MainModeOffer>, std::vector<QuickModeOffer>, SecretBytes, RootCa>;

struct Argument {
  const Parameter* parameter = nullptr;  // a row of the grammar
  Value value;
};

struct Command {
  const CommandRow* row = nullptr;
  std::vector<Argument> arguments;  // in the order of the line: it is the preference of authentication methods
  bool json = false;                // the line ended in --json
  bool with_secrets = false;        // it is to tell preshared keys: exportpolicy --with-secrets, dump secrets=yes

  // The argument of the parameter with this tag, or nullptr.
  const Argument* find(std::string_view tag) const;
  // Its value, or nullptr if it was not given or is of another type.
  template <typename T>
  const T* get(std::string_view tag) const {
    const Argument* argument = find(tag);
    return argument == nullptr ? nullptr : std::get_if<T>(&argument->value);
  }
  bool is(std::string_view tag, Keyword keyword) const;
  // For parameters with a default.
  bool yes(std::string_view tag, bool otherwise) const;
  std::uint32_t number(std::string_view tag, std::uint32_t otherwise) const;
  // Empty if it was not given.
  std::string text(std::string_view tag) const;
  bool has_secret() const;
};

}  // namespace ipsec::cli
