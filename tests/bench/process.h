#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "services/common/result.h"

namespace ipsec::bench {

using Words = std::vector<std::string>;

// From now on SIGINT, SIGTERM and SIGHUP end the program that run() waits for, and every later run() fails at once, so
// that the caller comes to the end of what it does and cleans up behind itself. Once, before other threads start.
void end_runs_on_signals();
// One of these signals has come.
bool is_ended_by_signal();

enum class Purpose : std::uint8_t { kMeasure, kCleanUp };
// Runs a program to its end; its standard output. kUnavailable with the command and its complaints where it fails.
// kCleanUp: not ended by signals.
Result<std::string> run(const Words& command, Purpose purpose = Purpose::kMeasure);

// A program in the background, killed at the end of this object.
class Background {
 public:
  static Result<Background> start(const Words& command);
  Background(Background&& other) noexcept;
  Background& operator=(Background&&) = delete;
  ~Background();

 private:
  explicit Background(pid_t process) : process_(process) {}
  pid_t process_;
};

// The folder this program is in, where the others are.
std::string program_directory();

}  // namespace ipsec::bench
