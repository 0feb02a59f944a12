#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "services/common/bytes.h"

// Published vectors and sample data that stand beside the checkout in ../shared. This is the only way tests reach them.
// A small part of data/vectors is also in the tree (tests/vectors), so that a lone checkout still tests something.
namespace ipsec::tests {

// The file's content, or nullopt with a printed reason where it is absent. `name` is relative to the shared folder:
// "data/vectors/ke-modp.json". POLICYAGENT_SHARED names another place for that folder.
std::optional<std::string> read_shared_file(const std::string& name);
std::optional<nlohmann::json> read_shared_json(const std::string& name);

// A hexadecimal string of a vector file; stops the test on anything else.
Bytes hex_field(const nlohmann::json& object, const std::string& field);

}  // namespace ipsec::tests

// Skips the test with the printed reason where the data is absent.
#define IPSEC_READ_SHARED_JSON_OR_SKIP(variable, name)                               \
  const auto variable##_or_absent = ::ipsec::tests::read_shared_json(name);          \
  if (!variable##_or_absent) GTEST_SKIP() << name << " is not beside this checkout"; \
  const nlohmann::json& variable = *variable##_or_absent
