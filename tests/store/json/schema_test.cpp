// The published schema against what we write, what we ship and what we refuse.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

#include "store/json/json.h"
#include "store/lint/lint.h"
#include "tests/store/store_support.h"
#include "tests/support/source_tree.h"

namespace ipsec::store::tests {
namespace {

using ipsec::tests::SeededRandom;
using nlohmann::json;
using ::testing::IsEmpty;

class SchemaTest : public ::testing::Test {
 protected:
  SchemaTest() {
    const json text = json::parse(source_file("json/policy.schema.json"));
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(text), schema_);
  }

  // Empty where the document fits.
  std::string complaints(const json& document) {
    valijson::ValidationResults results;
    valijson::Validator validator;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(document), &results)) return "";
    std::ostringstream text;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const std::string& part : error.context) text << part;
      text << ": " << error.description << "\n";
    }
    return text.str();
  }

  valijson::Schema schema_;
};

TEST_F(SchemaTest, EveryExportFits) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRandom random(seed);
    const PolicyTree tree = random_tree(random);
    ASSERT_EQ(complaints(json::parse(export_json(tree))), "") << "seed " << seed;
    ASSERT_EQ(complaints(json::parse(export_json(tree, {true}))), "") << "seed " << seed;
  }
}

TEST_F(SchemaTest, EveryExampleFitsAndImportsWithoutFindings) {
  std::size_t examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ipsec::tests::source_path("store/json/examples"))) {
    const std::string text = read_file(entry.path().string());
    EXPECT_EQ(complaints(json::parse(text)), "") << entry.path();
    SeededRandom random(1);
    const ImportOutcome outcome = import_json(text, random, kNow);
    EXPECT_THAT(outcome.problems, IsEmpty()) << entry.path() << "\n" << all_text(outcome.problems);
    for (const lint::Finding& finding : lint::lint(outcome.tree, {})) {
      ADD_FAILURE() << entry.path() << ": " << finding.id << ", " << finding.object << ": " << finding.why;
    }
    EXPECT_TRUE(outcome.tree.assigned) << entry.path();
    ++examples;
  }
  EXPECT_EQ(examples, 4u);
}

// What the schema says no to, the import must say no to as well.
TEST_F(SchemaTest, BothRefuse) {
  const std::vector<std::pair<std::string, std::string>> spoiled = {
      {"/format", "\"policyagent/2\""},
      {"/extra", "1"},
      {"/policies/0/name", "\"\""},
      {"/policies/0/profile", "\"Modern\""},
      {"/policies/0/main_mode/offers", "[]"},
      {"/policies/0/main_mode/offers/0/cipher", "\"NONE\""},
      {"/policies/0/main_mode/lifetime_minutes", "71582789"},
      {"/policies/0/rules/0/authentication/0/method", "\"trust\""},
      {"/policies/0/rules/0/authentication/0/psk_hex", "\"0\""},
      {"/policies/0/rules/0/connection_type", "\"vpn\""},
      {"/filter_lists/0/filters/0/protocol", "256"},
      {"/filter_lists/0/filters/0/source_port", "-1"},
      {"/filter_lists/0/filters/0/source", "7"},
      {"/filter_actions/0/offers/0", "{}"},
      {"/filter_actions/0/offers/0/lifetime_seconds", "299"},
      {"/filter_actions/0/pfs_group", "\"modp2\""}};
  const json good = json::parse(source_file("json/examples/two-hosts-esp.json"));
  ASSERT_EQ(complaints(good), "");
  for (const auto& [pointer, value] : spoiled) {
    json document = good;
    document[json::json_pointer(pointer)] = json::parse(value);
    EXPECT_NE(complaints(document), "") << pointer;
    SeededRandom random(1);
    EXPECT_FALSE(import_json(document.dump(), random, kNow).problems.empty()) << pointer;
  }
}

// ---- docs/policy-json.md
// ------------------------------------------------------------------------------------------------

std::string document() { return read_file(ipsec::tests::source_path("docs/policy-json.md")); }

std::string value_text(const json& schema) {
  if (schema.contains("$ref")) {
    std::string name = schema["$ref"].get<std::string>();
    name.erase(0, name.rfind('/') + 1);
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
  }
  std::string text;
  if (schema.contains("enum")) {
    for (const json& word : schema["enum"]) text += (text.empty() ? "`" : ", `") + word.get<std::string>() + "`";
  } else if (schema.contains("anyOf")) {
    for (const json& one : schema["anyOf"]) text += (text.empty() ? "" : " or ") + value_text(one);
  } else if (schema["type"] == "integer") {
    text = "integer, " + schema["minimum"].dump() + " to " + schema["maximum"].dump();
  } else {
    text = schema["type"].get<std::string>();
  }
  return text;
}

// The start of the row that documents a key.
std::string row_text(const std::string& key, const json& schema, const json& object) {
  const json required = object.value("required", json::array());
  const bool is_required = std::find(required.begin(), required.end(), json(key)) != required.end();
  std::string fallback = is_required ? "required" : "";
  if (!is_required && schema.contains("default")) fallback = "`" + schema["default"].dump() + "`";
  return "| `" + key + "` | " + value_text(schema) + " | " + fallback + " |";
}

void expect_rows(const json& schema, const std::string& text, std::size_t& rows) {
  if (schema.is_object() && schema.value("additionalProperties", json(true)) == json(false)) {
    for (const auto& [key, value] : schema["properties"].items()) {
      EXPECT_NE(text.find("\n" + row_text(key, value, schema)), std::string::npos) << row_text(key, value, schema);
      ++rows;
    }
  }
  for (const json& part : schema) {
    if (part.is_structured()) expect_rows(part, text, rows);
  }
}

TEST(Documentation, tells_every_key_with_its_values_and_its_default) {
  std::size_t rows = 0;
  expect_rows(json::parse(source_file("json/policy.schema.json")), document(), rows);
  EXPECT_GT(rows, 60u);
}

TEST_F(SchemaTest, EveryExampleOfTheDocumentationFitsAndImports) {
  const std::string text = document();
  const std::string fence = "\n```json\n";
  std::size_t examples = 0;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t start = at + fence.size();
    const std::string example = text.substr(start, text.find("\n```", start) - start);
    EXPECT_EQ(complaints(json::parse(example)), "") << example;
    SeededRandom random(1);
    const ImportOutcome outcome = import_json(example, random, kNow);
    EXPECT_THAT(outcome.problems, IsEmpty()) << all_text(outcome.problems);
    for (const lint::Finding& finding : lint::lint(outcome.tree, {})) {
      ADD_FAILURE() << finding.id << ", " << finding.object << ": " << finding.why;
    }
    ++examples;
  }
  EXPECT_EQ(examples, 4u);
}

}  // namespace
}  // namespace ipsec::store::tests
