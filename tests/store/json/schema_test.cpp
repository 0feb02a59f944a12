// The published schema against what we write, what we ship and what we refuse.
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
#include "store/validate.h"
#include "tests/store/store_support.h"

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

TEST_F(SchemaTest, EveryExampleFitsAndImportsWithoutAdvice) {
  std::size_t examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(POLICYAGENT_SOURCE_DIR "/store/json/examples")) {
    const std::string text = read_file(entry.path().string());
    EXPECT_EQ(complaints(json::parse(text)), "") << entry.path();
    SeededRandom random(1);
    const ImportOutcome outcome = import_json(text, random, kNow);
    EXPECT_THAT(outcome.problems, IsEmpty()) << entry.path() << "\n" << all_text(outcome.problems);
    EXPECT_THAT(advise(outcome.tree), IsEmpty()) << entry.path() << "\n" << all_text(advise(outcome.tree));
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

}  // namespace
}  // namespace ipsec::store::tests
