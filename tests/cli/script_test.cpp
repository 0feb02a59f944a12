#include "cli/script.h"

#include <gtest/gtest.h>

#include "cli/limits.h"

namespace ipsec::cli {
namespace {

std::string shown(std::string_view content, const char* code_page = nullptr) {
  const auto page = code_page == nullptr ? Result<CodePage>(invalid("none")) : CodePage::open(code_page);
  const auto lines = read_script(content, page.ok() ? &*page : nullptr);
  if (!lines.ok()) return "error: " + lines.status().message();
  std::string text;
  for (const TextLine& line : *lines) {
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

std::string utf16(std::u16string_view text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char low = static_cast<char>(unit & 0xff);
    const char high = static_cast<char>(unit >> 8);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

TEST(Scripts, utf16_of_both_byte_orders_is_recognised) {
  for (const bool big_endian : {false, true}) {
    EXPECT_EQ(shown(utf16(u"\ufeff# a\r\nname=\u8fdc\U0001f512\r\n\r\nok", big_endian)), "2:name=远🔒;4:ok;");
    EXPECT_EQ(shown(utf16(u"add x\nok\n", big_endian)), "1:add x;2:ok;") << "without a byte order mark";
  }
}

TEST(Scripts, broken_utf16_is_a_problem_of_its_line) {
  using namespace std::string_literals;
  EXPECT_EQ(shown(utf16(u"\ufeff", false) + utf16({u"a\xd800z\nok\n", 6}, false)), "1:a!;2:ok;");
  EXPECT_EQ(shown(utf16(u"\ufeffok\nb", false) + "x"), "1:ok;2:b!;") << "half a unit at the end";
  EXPECT_EQ(shown(utf16({u"\ufeffa\0b\nok", 7}, true)), "1:a!;2:ok;");
}

TEST(Scripts, a_nul_character_is_a_problem_of_its_line) {
  EXPECT_EQ(shown({"ab\0c\nok\n", 8}), (std::string{"1:ab\0c!;2:ok;", 13}));
}

TEST(Scripts, lines_of_a_code_page_are_converted_and_utf8_lines_are_not) {
  EXPECT_EQ(shown("name=\xb8\xa9\nname=远\n", "936"), "1:name=俯;2:name=远;");
  EXPECT_EQ(shown("name=\xb8\xa9\n", "gbk"), "1:name=俯;");
  EXPECT_EQ(shown("\xa8\xa5 \x8f\xe0\xa0\xa2\xa8\xab\xa0\n", "cp866"), "1:ие Правила;");
  EXPECT_EQ(shown("na\xefve\n", "1252"), "1:naïve;");
  EXPECT_EQ(shown("\xbf\xf8\xb0\xdd\n", "949"), "1:원격;");
}

TEST(Scripts, what_a_code_page_does_not_have_is_a_problem_that_names_the_byte) {
  const auto page = CodePage::open("936");
  ASSERT_TRUE(page.ok());
  const auto lines = read_script("ok\nab\xff\n", &*page);
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_NE(lines->back().problem.find("byte 3"), std::string::npos) << lines->back().problem;
}

TEST(CodePages, unknown_names_and_those_that_do_not_extend_ascii_are_refused) {
  for (const char* name : {"", "99999", "martian", "UTF-16LE", "UCS-4", "GBK//IGNORE", "IBM037"}) {
    const auto page = CodePage::open(name);
    ASSERT_FALSE(page.ok()) << name;
    EXPECT_NE(page.status().message().find("code page"), std::string::npos);
  }
  for (const char* name : {"65001", "utf-8", "1251", "CP949", "koi8-r", "20866", "ISO-8859-1"}) {
    EXPECT_TRUE(CodePage::open(name).ok()) << name;
  }
}

TEST(Scripts, lines_and_files_have_limits) {
  EXPECT_TRUE(read_script(std::string(kLongestLine, 'a'))->front().problem.empty());
  EXPECT_FALSE(read_script(std::string(kLongestLine + 1, 'a'))->front().problem.empty());
  EXPECT_FALSE(read_script(std::string(kLargestScript + 1, '\n')).ok());
}

}  // namespace
}  // namespace ipsec::cli
