#pragma once

#include <string>

#include "proto/policyagent.pb.h"
#include "services/common/result.h"
#include "services/common/rpc/convert.h"

// `show filterlist rule=R` and `show filteraction rule=R`: what the rules of that name use, in any policy. Pure.
// kNotFound if there is no such rule.
namespace ipsec::cli {

Result<proto::ReadReply> filter_lists_of_rule(const proto::ReadReply& everything, const std::string& rule);
Result<proto::ReadReply> filter_actions_of_rule(const proto::ReadReply& everything, const std::string& rule);

}  // namespace ipsec::cli
