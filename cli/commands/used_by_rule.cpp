#include "cli/commands/used_by_rule.h"

#include <algorithm>
#include <vector>

#include "cli/words.h"

namespace ipsec::cli {

namespace {

using Names = std::vector<std::string>;

Result<Names> names_used(const proto::ReadReply& everything, const std::string& rule_name,
                         const std::string& (proto::StoredRule::*name_of)() const) {
  Names names;
  for (const auto& policy : everything.policies()) {
    for (const auto& rule : policy.rules()) {
      if (equal_ignoring_case(rule.name(), rule_name)) names.push_back((rule.*name_of)());
    }
  }
  if (names.empty()) return not_found(fmt::format("no policy has a rule '{}'", rule_name));
  return names;
}

bool contains(const Names& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const auto& other) { return equal_ignoring_case(other, name); });
}

}  // namespace

Result<proto::ReadReply> filter_lists_of_rule(const proto::ReadReply& everything, const std::string& rule) {
  IPSEC_ASSIGN_OR_RETURN(const Names names, names_used(everything, rule, &proto::StoredRule::filter_list));
  proto::ReadReply reply;
  reply.set_store(everything.store());
  for (const auto& list : everything.filter_lists()) {
    if (contains(names, list.name())) *reply.add_filter_lists() = list;
  }
  return reply;
}

Result<proto::ReadReply> filter_actions_of_rule(const proto::ReadReply& everything, const std::string& rule) {
  IPSEC_ASSIGN_OR_RETURN(const Names names, names_used(everything, rule, &proto::StoredRule::filter_action));
  proto::ReadReply reply;
  reply.set_store(everything.store());
  for (const auto& action : everything.filter_actions()) {
    if (contains(names, action.name())) *reply.add_filter_actions() = action;
  }
  return reply;
}

}  // namespace ipsec::cli
