#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "services/common/result.h"

// The command line of the program itself (reference, section 1.1). Pure.
namespace ipsec::cli {

struct Options {
  std::string runtime_directory;          // empty: as the environment says
  std::string context;                    // -c
  std::optional<std::string> script;      // -f: run and end
  std::optional<std::string> alias_file;  // -a: run and stay
  std::vector<std::string> command;       // empty and no script: the prompt
  std::string code_page;                  // --codepage; empty: files are UTF-8 or UTF-16
  bool batch = false;                     // --bat
  bool strict = false;                    // --strict
  bool json = false;
  bool help = false;
  bool version = false;
};

// `arguments` are those after the program's name. Options end at the first word that is none: the command begins.
Result<Options> parse_options(std::span<const std::string> arguments);

std::string options_help();

}  // namespace ipsec::cli
