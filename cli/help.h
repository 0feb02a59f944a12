#pragma once

#include <string>

#include "cli/line.h"

// Help and usage, made from the rows of the grammar. Pure.
namespace ipsec::cli {

// `?` in a context, behind a verb, or behind a whole command.
std::string help_text(const HelpRequest& request);

// The usage of one command, as printed below the message about a wrong line.
std::string usage_text(const CommandRow& row);

}  // namespace ipsec::cli
