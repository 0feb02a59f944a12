#include "cli/help.h"

#include <gtest/gtest.h>

#include "tests/cli/describe.h"

namespace ipsec::cli::tests {
namespace {

std::string help(std::string_view line, ContextId context) {
  const Line parsed = parse(line, context);
  const auto* request = std::get_if<HelpRequest>(&parsed);
  return request == nullptr ? "no help: " + describe(parsed) : help_text(*request);
}

TEST(Help, of_a_context_lists_verbs_sub_contexts_and_the_shell) {
  const std::string root = help("?", ContextId::kRoot);
  EXPECT_NE(root.find("ipsec            - "), std::string::npos) << root;
  const std::string text = help("?", ContextId::kStatic);
  for (const char* word : {"add ", "delete ", "exportpolicy ", "importpolicy ", "set ", "show ", "pushd "}) {
    EXPECT_NE(text.find(fmt::format("\n{}", word)), std::string::npos) << word << text;
  }
  EXPECT_EQ(text.find("refresh"), std::string::npos) << "a command of the other context";
}

TEST(Help, of_a_verb_lists_its_objects) {
  const std::string text = help("add", ContextId::kStatic);
  for (const char* word : {"add policy", "add rule", "add filterlist", "add filter ", "add filteraction"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
}

// Every command of the tables: its help has all of its tags, its defaults and an example that parses.
TEST(Help, of_every_command_is_complete) {
  for (const ContextId context : {ContextId::kStatic, ContextId::kDynamic}) {
    for (const CommandRow& row : commands_of(context)) {
      const std::string text = help_text({context, row.verb, &row});
      for (const Parameter& parameter : row.parameters) {
        EXPECT_NE(text.find(fmt::format("\n  {:<20} ", parameter.tag)), std::string::npos) << parameter.tag << text;
        EXPECT_FALSE(parameter.help.empty()) << row.verb << row.object << parameter.tag;
        if (!parameter.fallback.empty()) {
          EXPECT_NE(text.find(fmt::format("(default {})", parameter.fallback)), std::string::npos) << text;
        }
      }
      const Line example = parse(row.example, context);
      const auto* command = std::get_if<Command>(&example);
      ASSERT_NE(command, nullptr) << row.example << ": " << describe(example);
      EXPECT_EQ(command->row, &row) << row.example;
    }
  }
}

TEST(Usage, marks_what_may_be_left_out_and_stays_within_the_screen) {
  for (const ContextId context : {ContextId::kStatic, ContextId::kDynamic}) {
    for (const CommandRow& row : commands_of(context)) {
      const std::string text = usage_text(row);
      EXPECT_TRUE(text.starts_with("Usage: ")) << text;
      for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = text.find('\n', start);
        EXPECT_LE(end - start, 80U) << text;
        start = end + 1;
      }
    }
  }
  const std::string text = usage_text(static_commands()[0]);
  EXPECT_NE(text.find("[filterlist=]<string>"), std::string::npos) << text;
  EXPECT_NE(text.find("[ [mirrored=]<yes|no> ]"), std::string::npos) << text;
}

}  // namespace
}  // namespace ipsec::cli::tests
