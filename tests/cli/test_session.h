#pragma once

#include <map>
#include <string>
#include <utility>

#include "cli/session.h"
#include "tests/cli/test_agent.h"

namespace ipsec::cli::tests {

class TestResolver : public Resolver {
 public:
  Result<IpAddress> address_of(const std::string& name) override;  // gw.example is 198.51.100.7
  std::string name_of(const IpAddress& address) override;          // "name-of-A"
};

// A session on a TestAgent that keeps what is printed.
class TestSession {
 public:
  explicit TestSession(TestAgent& agent, ScriptOptions scripts = {}) : agent_(agent), scripts_(scripts) {}

  Session& session() { return session_; }
  // One line; what it printed. `succeeded()` tells its success.
  std::string run(std::string_view line);
  // A script of this content; everything it printed.
  std::string run_script(const std::string& name, const std::string& content);
  // What was printed since the last time.
  std::string take() { return std::exchange(printed_, {}); }
  bool succeeded() const { return succeeded_; }
  // Files that `exec` and run_script find.
  std::map<std::string, std::string>& files() { return files_; }
  Services& services() { return services_; }

 private:
  TestAgent& agent_;
  ScriptOptions scripts_;
  TestResolver resolver_;
  Services services_{agent_.client(), resolver_, [] { return std::int64_t{1795204800}; }, false};
  std::string printed_;
  std::map<std::string, std::string> files_;
  bool succeeded_ = true;
  Session session_{{services_, [this](std::string_view text) { printed_ += text; },
                    [this](const std::string& path) -> Result<std::string> {
                      const auto file = files_.find(path);
                      if (file == files_.end()) return not_found("no file " + path);
                      return file->second;
                    },
                    scripts_}};
};

}  // namespace ipsec::cli::tests
