#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ipsec::cli::tests {

// The JSON Schema (draft 7) of everything that --json prints, made from the messages of proto/. What is published is
// cli/show.schema.json; it must be this.
nlohmann::ordered_json show_schema();

// The commands that it describes, as the key "command" names them.
std::vector<std::string> commands_of_schema();

}  // namespace ipsec::cli::tests
