#include "services/policyagent/shell/config_file.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {

Result<store::Config> read_config(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return store::Config();
  IPSEC_ASSIGN_OR_RETURN(const std::string text, read_file(path, limits::kLargestConfigFile));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return invalid(fmt::format("'{}' is damaged; accepted is a JSON object of properties", path));
  store::Config config;
  for (const auto& [property, value] : json.items()) {
    if (!value.is_string()) return invalid(fmt::format("'{}', {}: accepted is a text", path, property));
    IPSEC_RETURN_IF_ERROR(with_context(store::set_property(config, property, value.get<std::string>()), path));
  }
  return config;
}

Result<FileDraft> draft_config(const std::string& path, const store::Config& config) {
  return FileDraft::write(path, nlohmann::json(config).dump(2) + "\n");
}

}  // namespace ipsec::agent
