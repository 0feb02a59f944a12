#include "tests/bench/process_status.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace ipsec::bench {
namespace {

// A line of /proc/PID/status.
std::uint64_t process_field(std::int64_t process, const std::string& name) {
  std::ifstream file(fmt::format("/proc/{}/status", process));
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == name && file >> value) return value;
  }
  return 0;
}

}  // namespace

double processor_milliseconds(std::int64_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(file, text);
  // proc(5): fields 14 and 15, in ticks. The second field is a name in parentheses and may hold anything.
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) * 1000 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double resident_megabytes(std::int64_t process) { return static_cast<double>(process_field(process, "VmRSS:")) / 1024; }
std::int64_t parent_of(std::int64_t process) { return static_cast<std::int64_t>(process_field(process, "PPid:")); }

}  // namespace ipsec::bench
