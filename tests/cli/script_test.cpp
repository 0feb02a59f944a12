#include "cli/script.h"

#include <gtest/gtest.h>

#include "cli/limits.h"

namespace ipsec::cli {
namespace {

std::string shown(std::string_view content) {
  const auto lines = read_script(content);
  if (!lines.ok()) return "error: " + lines.status().message();
  std::string text;
  for (const ScriptLine& line : *lines) {
    text += fmt::format("{}:{}{};", line.number, line.text, line.problem.empty() ? "" : "!");
  }
  return text;
}

TEST(Scripts, blank_lines_and_comments_are_skipped_but_counted) {
  EXPECT_EQ(shown("# a\n\nipsec\n  # b\n\tstatic  \n"), "3:ipsec;5:static;");
}

TEST(Scripts, line_ends_of_both_kinds_and_a_last_line_without_one) {
  EXPECT_EQ(shown("a\r\n\r\nb\r\n"), "1:a;3:b;");
  EXPECT_EQ(shown("a\nb"), "1:a;2:b;");
  EXPECT_EQ(shown(""), "");
}

TEST(Scripts, a_byte_order_mark_is_dropped) { EXPECT_EQ(shown("\xef\xbb\xbfpushd ipsec\n"), "1:pushd ipsec;"); }

TEST(Scripts, utf8_is_taken_and_anything_else_is_a_problem_of_its_line_only) {
  EXPECT_EQ(shown("name=远程\nname=\xb8\xa9\nok\n"), "1:name=远程;2:name=\xb8\xa9!;3:ok;");
  EXPECT_EQ(shown("# \xb8\xa9\nok\n"), "2:ok;") << "comments are not read";
  for (const char* wrong : {"\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                            "\xe4\xb8", "\x80"}) {
    EXPECT_EQ(shown(wrong), fmt::format("1:{}!;", wrong));
  }
  EXPECT_EQ(shown("\xf0\x9f\x94\x92"), "1:\xf0\x9f\x94\x92;");
}

TEST(Scripts, a_utf16_file_is_a_problem_and_no_command) {
  const auto lines = read_script(std::string_view("a\0d\0d\0\n", 7));
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 1U);
  EXPECT_NE(lines->front().problem.find("UTF-16"), std::string::npos);
}

TEST(Scripts, lines_and_files_have_limits) {
  EXPECT_TRUE(read_script(std::string(kLongestLine, 'a'))->front().problem.empty());
  EXPECT_FALSE(read_script(std::string(kLongestLine + 1, 'a'))->front().problem.empty());
  EXPECT_FALSE(read_script(std::string(kLargestScript + 1, '\n')).ok());
}

}  // namespace
}  // namespace ipsec::cli
