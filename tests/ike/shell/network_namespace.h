#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ipsec::ike {

// A network of its own without a name: it lives as long as a small process does that ends with the test, however the
// test ends. Needs root.
class NetworkNamespace {
 public:
  // Null where this process may not make one.
  static std::unique_ptr<NetworkNamespace> make();
  ~NetworkNamespace();

  // Runs `ip ARGUMENTS` inside; throws on failure.
  void ip(const std::vector<std::string>& arguments) const;
  // A cable between the two, with an interface "eth0" on each side.
  static void connect(const NetworkNamespace& a, const NetworkNamespace& b);
  // eth0 gets this address and is up.
  void set_address(const std::string& address) const;
  // Starts a program inside. It ends when this process does.
  pid_t start(const std::vector<std::string>& command) const;
  // Moves the calling thread inside for the lifetime of the result.
  class Visit;
  std::unique_ptr<Visit> visit() const;

 private:
  explicit NetworkNamespace(pid_t keeper) : keeper_(keeper) {}
  std::string path() const;

  pid_t keeper_;
};

class NetworkNamespace::Visit {
 public:
  explicit Visit(const std::string& path);
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  int home_;
};

}  // namespace ipsec::ike
