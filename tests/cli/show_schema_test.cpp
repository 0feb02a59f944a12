// What --json prints against the published schema.
#include <fstream>
#include <iterator>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
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

#include "cli/arguments.h"
#include "cli/commands/commands.h"
#include "cli/show_json.h"
#include "tests/cli/samples.h"
#include "tests/cli/show_schema.h"
#include "tests/cli/test_session.h"
#include "tests/support/source_tree.h"

namespace ipsec::cli::tests {
namespace {

using nlohmann::json;

const std::string& published_path() {
  static const std::string path = ipsec::tests::source_path("cli/show.schema.json");
  return path;
}

std::string published() {
  std::ifstream file(published_path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Readers take what is added later; this test does not: a field that is not in the schema must not be printed.
void forbid_others(json& schema) {
  if (schema.is_object() && schema.contains("properties")) schema["additionalProperties"] = false;
  for (auto& part : schema) {
    if (part.is_structured()) forbid_others(part);
  }
}

class ShowSchema : public testing::Test {
 protected:
  ShowSchema() {
    json schema = json::parse(published());
    forbid_others(schema["definitions"]);
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema), schema_);
  }

  // Empty where the text fits.
  std::string complaints(const std::string& text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return "not JSON: " + text;
    valijson::ValidationResults results;
    valijson::Validator validator;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(document), &results)) return "";
    std::ostringstream list;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const std::string& part : error.context) list << part;
      list << ": " << error.description << "\n";
    }
    return list.str();
  }

  valijson::Schema schema_;
};

TEST(ShowSchemaFile, is_what_the_messages_make_of_it) {
  const std::string made = show_schema().dump(2) + "\n";
  if (std::getenv("POLICYAGENT_UPDATE_GOLDEN") != nullptr) std::ofstream(published_path(), std::ios::binary) << made;
  EXPECT_EQ(published(), made) << "POLICYAGENT_UPDATE_GOLDEN=1 writes it; fields may be added, never renamed";
}

TEST(ShowSchemaFile, has_every_command_with_json) {
  for (const ContextId context : {ContextId::kStatic, ContextId::kDynamic}) {
    for (const auto& row : commands_of(context)) {
      if (!has_json_form(row)) continue;
      Command command;
      command.row = &row;
      EXPECT_THAT(commands_of_schema(), testing::Contains(command_name(command)))
          << "give it a row in tests/cli/show_schema.cpp";
    }
  }
}

TEST_F(ShowSchema, every_sample_fits) {
  EXPECT_EQ(complaints(show_json("static show all", sample_store())), "");
  EXPECT_EQ(complaints(show_json("dynamic show qmfilter", sample_compiled())), "");
  EXPECT_EQ(complaints(show_json("dynamic show mmsas", sample_main_mode_sas())), "");
  EXPECT_EQ(complaints(show_json("dynamic show certificates", sample_certificates())), "");
  EXPECT_EQ(complaints(show_json("dynamic show negotiations", sample_negotiations())), "");
  EXPECT_EQ(complaints(show_json("dynamic show qmsas", sample_quick_mode_sas())), "");
  EXPECT_EQ(complaints(show_json("dynamic show stats", sample_statistics())), "");
  EXPECT_EQ(complaints(show_json("dynamic show status", sample_status())), "");
  EXPECT_EQ(complaints(show_json("static show store", sample_stores())), "");
  EXPECT_EQ(complaints(show_json("static lint", sample_findings())), "");
  EXPECT_EQ(complaints(show_json("dynamic show events", sample_events())), "");
}

TEST_F(ShowSchema, what_is_not_so_does_not_fit) {
  json document = json::parse(show_json("static show all", sample_store()));
  document["result"]["policies"][0].erase("name");
  EXPECT_NE(complaints(document.dump()), "") << "a missing field";
  document = json::parse(show_json("static show all", sample_store()));
  document["result"]["policies"][0]["colour"] = "blue";
  EXPECT_NE(complaints(document.dump()), "") << "an unknown field";
  document = json::parse(show_json("static show all", sample_store()));
  document["result"]["filter_actions"][0]["action"] = "encrypt";
  EXPECT_NE(complaints(document.dump()), "") << "an unknown word";
  EXPECT_NE(complaints(show_json("dynamic show stats", sample_store())), "") << "the result of another command";
  EXPECT_NE(complaints(show_json("dynamic show weather", sample_store())), "") << "an unknown command";
}

// Through a real agent: every command, with something to show, with nothing, and with silent services.
TEST_F(ShowSchema, every_command_fits) {
  const auto run_all = [&](TestSession& netsh, const std::string& when) {
    for (const ContextId context : {ContextId::kStatic, ContextId::kDynamic}) {
      for (const auto& row : commands_of(context)) {
        if (!has_json_form(row)) continue;
        const bool needs_policy = std::any_of(row.parameters.begin(), row.parameters.end(), [](const Parameter& one) {
          return one.tag == "policy" && one.has(kRequired);
        });
        const std::string line = fmt::format("{} {} {}{} --json", row_of(context).path, row.verb, row.object,
                                             needs_policy ? " policy=P" : "");
        const std::string text = netsh.run(line);
        if (!text.starts_with("ERR ")) {
          EXPECT_EQ(complaints(text), "") << line << " " << when;
        }
        if (when == "full") {
          EXPECT_TRUE(text.starts_with("{")) << line << "\n" << text;
        }
      }
    }
  };
  TestAgent agent;
  TestSession netsh(agent);
  run_all(netsh, "empty");
  agent.set_address("10.77.0.1");
  netsh.run_script("s", R"(pushd ipsec static
add policy P mmsec="DES-MD5-1 AES256-SHA256-14"
add filter L me 10.77.0.2 protocol=tcp dstport=445
add filter L me db.example
add filteraction A qmsec="AH[SHA1]+ESP[AES128,None] ESP[AES128-GCM]" qmpfs=yes
add rule R P L A psk=k rootca="CN=Root"
add filter T 10.1.0.0/16 10.2.0.0/16 mirrored=no
add rule S P T A psk=k tunnel=198.51.100.1
set policy P assign=y
popd)");
  run_all(netsh, "full");
  agent.take_services_away();
  run_all(netsh, "silent");
}

}  // namespace
}  // namespace ipsec::cli::tests
