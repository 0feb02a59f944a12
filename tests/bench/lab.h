#pragma once

#include <memory>
#include <string>

#include "services/common/result.h"
#include "tests/bench/process.h"

namespace ipsec::bench {

// Two hosts `a` (10.77.0.1) and `b` (10.77.0.2) made by ipsec-lab, taken down at the end, also where a signal
// asks for it.
class Lab {
 public:
  // With the daemons of each host, or bare.
  static Result<std::unique_ptr<Lab>> up(bool daemons);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  Result<std::string> exec(const std::string& host, const Words& command) const;
  Result<Background> start(const std::string& host, const Words& command) const;
  Result<std::string> netsh(const std::string& host, const Words& words) const;
  std::string runtime_directory(const std::string& host) const;
  // The daemons of one host, where up() has started none.
  Status start_daemons(const std::string& host) const;
  // Its network namespace.
  Result<std::string> network(const std::string& host) const;
  // For files of the benchmark.
  const std::string& directory() const { return directory_; }

 private:
  explicit Lab(std::string directory);
  Words command(const char* name, const std::string& host, const Words& words) const;

  std::string directory_;
};

}  // namespace ipsec::bench
