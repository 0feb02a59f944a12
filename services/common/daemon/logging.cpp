#include "services/common/daemon/logging.h"

#include <algorithm>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ipsec::daemon {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInformation:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

LogLevel level_by_name(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInformation;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool needs_quotes(std::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           return is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\';
         });
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

void start_logging(std::string_view program, std::string_view level) {
  auto logger = spdlog::stderr_logger_mt(std::string(program));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %n %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog_level(level_by_name(level)));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void log(LogLevel level, std::string_view name, std::initializer_list<LogField> fields) {
  log(level, name, std::span<const LogField>(fields.begin(), fields.size()));
}

void log(LogLevel level, std::string_view name, std::span<const LogField> fields) {
  const spdlog::level::level_enum wanted = spdlog_level(level);
  if (!spdlog::should_log(wanted)) return;
  spdlog::log(wanted, "{}", format_line(name, fields));
}

std::string format_line(std::string_view name, std::span<const LogField> fields) {
  std::string line(name);
  for (const LogField& field : fields) {
    line += fmt::format(" {}={}", field.key, needs_quotes(field.value) ? quoted(field.value) : field.value);
  }
  return line;
}

}  // namespace ipsec::daemon
