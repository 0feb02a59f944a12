#include "tests/cli/test_session.h"

#include <utility>

namespace ipsec::cli::tests {

Result<IpAddress> TestResolver::address_of(const std::string& name) {
  if (name == "gw.example") return IpAddress::parse("198.51.100.7");
  return not_found("the name '" + name + "' is not resolved");
}

std::string TestResolver::name_of(const IpAddress& address) { return "name-of-" + address.to_string(); }

std::string TestSession::run(std::string_view line) {
  succeeded_ = session_.run_line(line);
  return std::exchange(printed_, {});
}

std::string TestSession::run_script(const std::string& name, const std::string& content) {
  files_[name] = content;
  succeeded_ = session_.run_file(name);
  return std::exchange(printed_, {});
}

}  // namespace ipsec::cli::tests
