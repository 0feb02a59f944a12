#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

// Structured lines on standard error: "2026-01-02T03:04:05.678Z ipsec-iked info policy_set version=7 filters=2".
// Nothing secret may be given to it.
namespace ipsec::daemon {

enum class LogLevel { kDebug, kInformation, kWarning, kError };

struct LogField {
  std::string key;  // lower case with underscores
  std::string value;

  template <typename T>
  LogField(std::string_view key_name, const T& field_value) : key(key_name), value(fmt::format("{}", field_value)) {}
};

// `level` is a name of Options::log_level; `program` starts every line. Call once, before other threads.
void start_logging(std::string_view program, std::string_view level);

// `name` is stable, lower case with underscores. Safe from any thread. Never per packet.
void log(LogLevel level, std::string_view name, std::initializer_list<LogField> fields = {});
void log(LogLevel level, std::string_view name, std::span<const LogField> fields);

// "name key=value key=\"two words\"": values with blanks, quotes, '=' or control characters are quoted and escaped, so
// that a line stays a line.
std::string format_line(std::string_view name, std::span<const LogField> fields);

}  // namespace ipsec::daemon
