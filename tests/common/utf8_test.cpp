#include "services/common/utf8.h"

#include <gtest/gtest.h>

namespace ipsec {
namespace {

TEST(FoldCase, letters_of_latin_greek_and_cyrillic) {
  struct Row {
    const char* text;
    const char* folded;
  };
  const Row table[] = {
      {"Partner LINK 1", "partner link 1"},
      {"ÄÖÜ ÀÞ", "äöü àþ"},
      {"×÷ß", "×÷ß"},
      {"ŁÓDŹ ŽĽÝ", "łódź žľý"},
      {"Ÿ", "ÿ"},
      {"ΑΘΉΝΑ", "αθήνα"},
      {"ΌΡΟΣ", "όροσ"},
      {"όρος", "όροσ"},
      {"ПОЛИТИКА Ё Њ", "политика ё њ"},
      {"ҐІЇ Ӏ Ӂ", "ґії ӏ ӂ"},
      {"ẞ Ḿ Ế", "ß ḿ ế"},
      {"日本語 İ ı", "日本語 İ ı"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(fold_case(row.text), row.folded);
    EXPECT_EQ(fold_case(row.folded), row.folded) << "folding twice is folding once";
    EXPECT_TRUE(equal_folded(row.text, row.folded));
  }
}

TEST(FoldCase, what_is_no_utf8_stays_as_it_is) {
  const std::string broken = "A\xff\xc3";
  EXPECT_EQ(fold_case(broken), "a\xff\xc3");
  EXPECT_FALSE(equal_folded("\xc3", "\xe3"));
  EXPECT_FALSE(equal_folded("a", "a\xc3\xa4"));
  EXPECT_FALSE(equal_folded("ab", "a"));
  EXPECT_TRUE(equal_folded("", ""));
}

TEST(Utf8, every_code_point_survives) {
  for (std::uint32_t point = 1; point <= 0x10ffff; point += point < 0x3000 ? 1 : 97) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    std::string text;
    append_utf8(text, point);
    std::size_t at = 0;
    ASSERT_EQ(next_code_point(text, at), point);
    ASSERT_EQ(at, text.size());
  }
}

}  // namespace
}  // namespace ipsec
