#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "services/common/result.h"

namespace ipsec::bench {

using Words = std::vector<std::string>;

// Runs a program to its end; its standard output. kUnavailable with the command and its complaints where it fails.
Result<std::string> run(const Words& command);

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
