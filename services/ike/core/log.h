#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// What goes into the log of negotiations (`set config ikelogging`, ikeloglevels), by subject and detail.
namespace ipsec::ike {

enum class LogCategory : std::uint8_t {
  kMainMode,
  kQuickMode,
  kPackets,
  kPolicy,
  kCertificates,
  kNat,  // address translators, dead peers
  kDriver,
};
// As `set config` writes them.
inline constexpr std::array<std::string_view, 7> kLogCategoryNames = {"mainmode",     "quickmode", "packets", "policy",
                                                                      "certificates", "nat",       "driver"};

constexpr std::optional<LogCategory> log_category_by_name(std::string_view name) {
  for (std::size_t i = 0; i < kLogCategoryNames.size(); ++i) {
    if (kLogCategoryNames[i] == name) return static_cast<LogCategory>(i);
  }
  return std::nullopt;
}

// 0 nothing, 1 outcomes, 2 steps and messages, 3 everything.
using LogLevel = std::uint8_t;
inline constexpr LogLevel kLogOutcomes = 1;
inline constexpr LogLevel kLogSteps = 2;
inline constexpr LogLevel kLogEverything = 3;

class LogLevels {
 public:
  static LogLevels all(LogLevel level) {
    LogLevels levels;
    levels.levels_.fill(level);
    return levels;
  }
  void set(LogCategory category, LogLevel level) { levels_[static_cast<std::size_t>(category)] = level; }
  bool wants(LogCategory category, LogLevel level) const {
    return levels_[static_cast<std::size_t>(category)] >= level;
  }
  friend bool operator==(const LogLevels&, const LogLevels&) = default;

 private:
  std::array<LogLevel, kLogCategoryNames.size()> levels_{};
};

}  // namespace ipsec::ike
