#include "cli/words.h"

#include <gtest/gtest.h>

namespace ipsec::cli {
namespace {

std::vector<std::string> texts(std::string_view line) {
  std::vector<std::string> result;
  for (const Word& word : split_words(line)) result.push_back(word.text);
  return result;
}

using Texts = std::vector<std::string>;

TEST(Words, blanks_and_tabs_separate_in_any_number) {
  EXPECT_EQ(texts("  add \t policy   name=P \t"), (Texts{"add", "policy", "name=P"}));
  EXPECT_EQ(texts(" \t "), Texts{});
}

TEST(Words, all_spellings_of_quotes_are_equal) {
  EXPECT_EQ(texts("name=\"Field Office\""), Texts{"name=Field Office"});
  EXPECT_EQ(texts("\"name=Field Office\""), Texts{"name=Field Office"});
  EXPECT_EQ(texts("na\"me=Field Off\"ice"), Texts{"name=Field Office"});
}

TEST(Words, an_apostrophe_is_an_ordinary_character) {
  EXPECT_EQ(texts("name = Michael's policy"), (Texts{"name", "=", "Michael's", "policy"}));
}

TEST(Words, a_stray_quote_at_the_end_breaks_nothing) { EXPECT_EQ(texts("policy=\"P\"\""), Texts{"policy=P"}); }

TEST(Words, an_empty_quoted_word_is_a_word) {
  const auto words = split_words("a \"\"");
  ASSERT_EQ(words.size(), 2U);
  EXPECT_EQ(words[1].text, "");
  EXPECT_TRUE(words[1].quoted_last);
}

TEST(Words, bytes_beyond_ascii_stay_as_they_are) { EXPECT_EQ(texts("name=\"远程 桌面\""), Texts{"name=远程 桌面"}); }

TEST(Words, abbreviations_are_prefixes_without_regard_to_case) {
  EXPECT_TRUE(is_abbreviation("DEL", "delete"));
  EXPECT_TRUE(is_abbreviation("delete", "delete"));
  EXPECT_FALSE(is_abbreviation("deletes", "delete"));
  EXPECT_FALSE(is_abbreviation("", "delete"));
  EXPECT_FALSE(is_abbreviation("elete", "delete"));
}

TEST(Words, preshared_keys_are_found_in_every_spelling_and_never_printed) {
  for (const char* line : {"add rule psk=geheim x", "add rule PSK =geheim", "add rule psk = geheim", "rule ps= geheim",
                           "add rule \"psk=geheim zwei\" x"}) {
    EXPECT_TRUE(mentions_key(split_words(line))) << line;
    EXPECT_EQ(printable(split_words(line)).find("geheim"), std::string::npos) << line;
    EXPECT_NE(printable(split_words(line)).find("psk=***"), std::string::npos) << line;
  }
  EXPECT_FALSE(mentions_key(split_words("add rule name=psk policy=p")));
  for (const char* line :
       {"add sa enckey=0badc0de", "add sa AUTHK = 0badc0de", "add sa ahk= 0badc0de", "add sa au=0badc0de"}) {
    EXPECT_TRUE(mentions_key(split_words(line))) << line;
    EXPECT_EQ(printable(split_words(line)).find("0badc0de"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace ipsec::cli
