#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/ike/core/log.h"
#include "services/ike/shell/file_descriptor.h"

namespace ipsec::ike {

// The log of negotiations, as the documented system has it in oakley.log: one line for each thing that happens,
//
//   11-30: 21:04:09:123:1f3a mainmode: 10.77.0.2:500 as initiator, awaiting message 4
//
// month-day, UTC with milliseconds, process in hexadecimal, category. The file has mode 0600. When it has reached its
// bound it becomes PATH.sav, in the place of the one before: both together are never more than twice the bound. No
// secrets come here. One thread.
class OakleyLog {
 public:
  // Nothing is opened before the first line. `bound`: octets of one file.
  OakleyLog(std::string path, std::size_t bound);

  // Line feeds and other control characters become \xNN. False the first time that a line could not be written since
  // one could: worth one event.
  bool write(LogCategory category, std::string_view text, std::int64_t wall_clock_ms);
  const std::string& path() const { return path_; }

 private:
  bool open();
  bool make_room(std::size_t more);

  std::string path_;
  std::size_t bound_;
  std::size_t size_ = 0;
  FileDescriptor file_;
  bool failing_ = false;
};

}  // namespace ipsec::ike
