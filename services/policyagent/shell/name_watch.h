#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/policyagent/core/host_names.h"

namespace ipsec::agent {

// Looks host names up on a thread of its own, when they are new and when their time is over. All members are safe from
// any thread.
class NameWatch {
 public:
  using Resolver = std::function<NameAnswer(const std::string& name)>;
  using Tell = std::function<void(KnownNames news)>;

  // `resolver` may wait for a server. `tell` gets the names whose addresses are known or different now, several at once
  // where answers come in together; it may call set_names() and look_again().
  NameWatch(Resolver resolver, Tell tell);
  ~NameWatch() { stop(); }
  NameWatch(const NameWatch&) = delete;
  NameWatch& operator=(const NameWatch&) = delete;

  void set_names(const std::vector<std::string>& names);
  // Whatever the answers' lifetime says.
  void look_again();
  // For good: `tell` is not called any more, and a call under way has ended. A lookup that hangs is left to its thread.
  void stop();

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace ipsec::agent
