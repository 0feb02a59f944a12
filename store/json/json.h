#pragma once

#include <string>
#include <string_view>

#include "services/common/crypto/random.h"
#include "store/model.h"
#include "store/problem.h"

// The JSON form of policies, "format": "policyagent/1"; its schema with descriptions and examples is
// store/json/policy.schema.json. Rules stand inside their policy and name their filter list and filter action.
namespace ipsec::store {

struct ExportOptions {
  bool with_secrets = false;  // without: a preshared key is {"method": "psk"} and nothing else
};

// Deterministic: the same tree gives the same bytes, and what import makes of them exports to them again. Two spaces
// of indentation, one line feed at the end. Requires a tree that validate() accepts.
std::string export_json(const PolicyTree& tree, ExportOptions options = {});

// The policy and the lists and actions that its rules use. `assigned` stays if it is this one.
PolicyTree tree_of_policy(const PolicyTree& tree, const Policy& policy);

struct ImportOutcome {
  PolicyTree tree;    // meaningful only without problems
  Problems problems;  // every one, with a JSON pointer in Problem::field
};

// Replaces: the tree is what the text says. Objects without "guid" get a random one, without "last_modified" `now`.
ImportOutcome import_json(std::string_view text, RandomSource& random, WallClock now);

// Merges into `base`, giving the whole resulting tree. An object with "guid" takes the place of the object of that
// GUID; without one, that of the object of that name. Rules may name lists and actions of `base`. A preshared key
// without "psk" keeps the key that the same rule has in `base` at the same place. "assigned" absent: stays as it is.
ImportOutcome merge_json(std::string_view text, const PolicyTree& base, RandomSource& random, WallClock now);

}  // namespace ipsec::store
