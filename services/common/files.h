#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "services/common/result.h"

// Whole files. Errors name the path and the reason.
namespace ipsec {

// Refuses directories, and files of more than `most` bytes.
Result<std::string> read_file(const std::string& path, std::size_t most);

// A file of mode 0600 that is written, and waits beside the old one until it takes its place. What can fail has been
// done when there is a draft, as far as that can be known. Unless it is committed it goes without a trace.
class FileDraft {
 public:
  static Result<FileDraft> write(const std::string& path, std::string_view content);
  FileDraft(FileDraft&& other) noexcept;
  FileDraft& operator=(FileDraft&&) = delete;
  ~FileDraft();

  // Once. The new file is there whole or not at all.
  Status commit();

 private:
  FileDraft(std::string path, std::string draft);
  std::string path_;
  std::string draft_;  // empty: nothing waits
};

// A draft that is committed at once.
Status write_private_file(const std::string& path, std::string_view content);

}  // namespace ipsec
