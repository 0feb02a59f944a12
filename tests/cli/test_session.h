#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

  // Made when it is first asked for, with what services() then holds.
  Session& session();
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
  // Who hears warnings from now on.
  void on_warning(std::function<void(std::string_view)> hear) { hear_ = std::move(hear); }

 private:
  TestAgent& agent_;
  ScriptOptions scripts_;
  TestResolver resolver_;
  Services services_{agent_.client(), resolver_, [] { return std::int64_t{1795204800}; }, false};
  std::function<void(std::string_view)> hear_;
  std::string printed_;
  std::map<std::string, std::string> files_;
  bool succeeded_ = true;
  std::optional<Session> session_;
};

}  // namespace ipsec::cli::tests
