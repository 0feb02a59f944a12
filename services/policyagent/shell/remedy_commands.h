#pragma once

#include <string>
#include <vector>

#include "proto/ike.pb.h"
#include "store/model.h"

namespace ipsec::agent {

// Says remedies of failed negotiations in netsh's words: those for this host with the names of its objects, those for
// the peer, whose names nobody here knows, with "<its policy>" in their place.
class RemedyWriter {
 public:
  // Borrows both; `stored` are the names of the policies that could be assigned.
  RemedyWriter(const store::PolicyTree& assigned, const store::DynamicPolicy& dynamic, std::vector<std::string> stored)
      : assigned_(assigned), dynamic_(dynamic), stored_(std::move(stored)) {}

  // Fills in the commands of its remedies, whole lines for a shell. None where netsh has no words for it.
  void add_commands(policyagent::v1::FailedNegotiation& failed) const;

 private:
  const store::PolicyTree& assigned_;
  const store::DynamicPolicy& dynamic_;
  std::vector<std::string> stored_;
};

}  // namespace ipsec::agent
