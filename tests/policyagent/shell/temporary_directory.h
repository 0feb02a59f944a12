#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace ipsec::agent::tests {

// A fresh directory with a short path (socket names are limited to 107 characters), removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char pattern[] = "/tmp/policyagent-test-XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ipsec::agent::tests
