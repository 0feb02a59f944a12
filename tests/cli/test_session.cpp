#include "tests/cli/test_session.h"

#include <utility>

namespace ipsec::cli::tests {

Result<IpAddress> TestResolver::address_of(const std::string& name) {
  if (name == "gw.example") return IpAddress::parse("198.51.100.7");
  return not_found("the name '" + name + "' is not resolved");
}

std::string TestResolver::name_of(const IpAddress& address) { return "name-of-" + address.to_string(); }

Session& TestSession::session() {
  if (!session_) {
    const auto print = [this](std::string_view text) { printed_ += text; };
    const auto read_file = [this](const std::string& path) -> Result<std::string> {
      const auto file = files_.find(path);
      if (file == files_.end()) return not_found("no file " + path);
      return file->second;
    };
    services_.warn = [this](std::string_view text) {
      if (hear_) hear_(text);
    };
    session_.emplace(SessionPorts{services_, print, read_file, scripts_});
  }
  return *session_;
}

std::string TestSession::run(std::string_view line) {
  succeeded_ = session().run_line(line);
  return std::exchange(printed_, {});
}

std::string TestSession::run_script(const std::string& name, const std::string& content) {
  files_[name] = content;
  succeeded_ = session().run_file(name);
  return std::exchange(printed_, {});
}

}  // namespace ipsec::cli::tests
