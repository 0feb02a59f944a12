#include "tests/support/published_data.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

#include "tests/support/source_tree.h"

namespace ipsec::tests {

std::optional<std::string> read_shared_file(const std::string& name) {
  const char* named = std::getenv("POLICYAGENT_SHARED");
  const std::string folder = named != nullptr ? named : source_path("../shared");
  std::ifstream file(folder + "/" + name, std::ios::binary);
  constexpr std::string_view kVectors = "data/vectors/";
  if (!file && name.starts_with(kVectors)) {
    file.open(source_path("tests/vectors/") + name.substr(kVectors.size()), std::ios::binary);
  }
  if (!file) {
    std::fprintf(stderr, "skipped: %s/%s is not there\n", folder.c_str(), name.c_str());
    return std::nullopt;
  }
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::optional<nlohmann::json> read_shared_json(const std::string& name) {
  auto content = read_shared_file(name);
  if (!content) return std::nullopt;
  return nlohmann::json::parse(*content);
}

Bytes hex_field(const nlohmann::json& object, const std::string& field) {
  auto bytes = from_hex(object.at(field).get<std::string>());
  if (!bytes.ok()) throw std::runtime_error("vector field " + field + ": " + std::string(bytes.status().message()));
  return *bytes;
}

}  // namespace ipsec::tests
