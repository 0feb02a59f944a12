#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "store/model.h"
#include "store/problem.h"

// An import as written: GUIDs that are absent are empty, links are still names.
namespace ipsec::store {

struct DocumentRule {
  Rule rule;
  std::string filter_list;
  std::string filter_action;
  std::vector<std::size_t> keys_left_out;  // places of authentication methods "psk" without a key
};

struct DocumentPolicy {
  Policy policy;  // without rules
  std::vector<DocumentRule> rules;
  std::vector<std::size_t> keys_left_out;  // of the default response rule
};

struct Document {
  std::vector<DocumentPolicy> policies;
  std::vector<FilterList> filter_lists;
  std::vector<FilterAction> filter_actions;
  bool assigned_is_given = false;
  std::optional<std::string> assigned;
};

// The second gate: keys, types, ranges and words. `now` stands in for absent times.
Document read_document(const nlohmann::json& value, WallClock now, Problems& problems);

}  // namespace ipsec::store
