#include "services/ike/shell/oakley_log.h"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ipsec::ike {

namespace {

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      shown += fmt::format("\\x{:02x}", octet);
    } else {
      shown += c;
    }
  }
  return shown;
}

std::string line_of(LogCategory category, std::string_view text, std::int64_t wall_clock_ms) {
  const std::time_t seconds = wall_clock_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:2}-{:02}: {:02}:{:02}:{:02}:{:03}:{:x} {}: {}\n", parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, wall_clock_ms % 1000, getpid(),
                     kLogCategoryNames[static_cast<std::size_t>(category)], printable(text));
}

bool write_whole(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

OakleyLog::OakleyLog(std::string path, std::size_t bound) : path_(std::move(path)), bound_(bound) {}

bool OakleyLog::open() {
  if (file_.valid()) return true;
  // Somebody else's link or pipe in its place would send the lines elsewhere, or hang the service.
  file_ =
      FileDescriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file_.valid()) return false;
  struct stat facts {};
  if (fstat(file_.number(), &facts) != 0 || !S_ISREG(facts.st_mode) || fchmod(file_.number(), 0600) != 0) {
    file_ = FileDescriptor();
    return false;
  }
  size_ = static_cast<std::size_t>(facts.st_size);
  return true;
}

bool OakleyLog::make_room(std::size_t more) {
  if (size_ == 0 || size_ + more <= bound_) return true;
  file_ = FileDescriptor();
  if (std::rename(path_.c_str(), (path_ + ".sav").c_str()) != 0) return false;
  return open();
}

bool OakleyLog::write(LogCategory category, std::string_view text, std::int64_t wall_clock_ms) {
  const std::string line = line_of(category, text.substr(0, bound_ / 2), wall_clock_ms);
  const bool written = open() && make_room(line.size()) && write_whole(file_.number(), line);
  if (written) size_ += line.size();
  const bool news = !written && !failing_;
  failing_ = !written;
  return !news;
}

}  // namespace ipsec::ike
