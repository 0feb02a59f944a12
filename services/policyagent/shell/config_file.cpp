#include "services/policyagent/shell/config_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "services/policyagent/shell/file_descriptor.h"

namespace ipsec::agent {

namespace {

Status failed(std::string_view what, const std::string& path) {
  return unavailable(fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)));
}

Status write_all(int descriptor, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return fsync(descriptor) == 0 ? Status() : failed("write", path);
}

}  // namespace

Result<store::Config> read_config(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return store::Config();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return unavailable(fmt::format("cannot read '{}'", path));
  const auto json = nlohmann::json::parse(text.str(), nullptr, false);
  if (!json.is_object()) return invalid(fmt::format("'{}' is damaged; accepted is a JSON object of properties", path));
  store::Config config;
  for (const auto& [property, value] : json.items()) {
    if (!value.is_string()) return invalid(fmt::format("'{}', {}: accepted is a text", path, property));
    IPSEC_RETURN_IF_ERROR(with_context(store::set_property(config, property, value.get<std::string>()), path));
  }
  return config;
}

Status write_config(const std::string& path, const store::Config& config) {
  const std::string content = nlohmann::json(config).dump(2) + "\n";
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (file.get() < 0) return failed("write", path);
  Status status = write_all(file.get(), content, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = failed("write", path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace ipsec::agent
