#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/result.h"

// The text form of a daemon's configuration file: `name = value` lines. Pure.
namespace ipsec::daemon {

struct ConfigurationLine {
  std::size_t number = 0;  // from 1
  std::string name;
  std::vector<std::string> values;  // at least one
};

// A value is a word, a text in double quotes (\" and \\ stand for themselves), or a list of them: ["eth0", "eth1"].
// From # or ; at the beginning of a line or after a value everything is a comment. kInvalid names the line and what is
// accepted there.
Result<std::vector<ConfigurationLine>> read_configuration(std::string_view text);

}  // namespace ipsec::daemon
