#pragma once

#include <string>

#include "services/common/result.h"

namespace ipsec::agent {

// Remembers across restarts that a policy was in force on this host: a file that is there, or not. A host that never
// had one is left alone until the first (DRV-01, PA-21); another one starts in its boot mode. One thread at a time.
class PolicyMarker {
 public:
  // Empty path: nothing is remembered.
  explicit PolicyMarker(std::string path);

  bool is_set() const { return is_set_; }
  Status set(bool in_force);

 private:
  const std::string path_;
  bool is_set_ = false;
};

}  // namespace ipsec::agent
