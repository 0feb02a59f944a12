#include "cli/options.h"

#include <gtest/gtest.h>

namespace ipsec::cli {
namespace {

using Words = std::vector<std::string>;

Options parse(const Words& words) {
  const auto options = parse_options(words);
  EXPECT_TRUE(options.ok()) << options.status().message();
  return options.ok() ? *options : Options{};
}

TEST(Options, the_command_begins_at_the_first_word_that_is_no_option) {
  EXPECT_EQ(parse({"ipsec", "static", "show", "policy", "all", "--json"}).command,
            (Words{"ipsec", "static", "show", "policy", "all", "--json"}));
  const Options options = parse({"-c", "ipsec static", "--json", "show", "all", "-f"});
  EXPECT_EQ(options.context, "ipsec static");
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.command, (Words{"show", "all", "-f"}));
}

TEST(Options, the_runtime_directory_in_both_spellings) {
  EXPECT_EQ(parse({"--runtime-dir", "/x"}).runtime_directory, "/x");
  EXPECT_EQ(parse({"--runtime-dir=/x", "-f", "s"}).runtime_directory, "/x");
  EXPECT_EQ(parse({"--runtime-dir=/x", "-f", "s"}).script, "s");
}

TEST(Options, wrong_ones_are_refused) {
  for (const Words& words : {Words{"-c"}, Words{"-f"}, Words{"--runtime-dir"}, Words{"--colour"}, Words{"-r", "host"},
                             Words{"-f", "s", "ipsec"}, Words{"-x"}, Words{"--runtime-directory=/x"}}) {
    EXPECT_FALSE(parse_options(words).ok()) << words.front();
  }
}

TEST(Options, nothing_means_the_prompt) {
  const Options options = parse({});
  EXPECT_TRUE(options.command.empty());
  EXPECT_FALSE(options.script.has_value());
  EXPECT_TRUE(parse({"-?"}).help);
}

}  // namespace
}  // namespace ipsec::cli
