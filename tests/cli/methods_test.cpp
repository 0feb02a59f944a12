#include "cli/methods.h"

#include <gtest/gtest.h>

namespace ipsec::cli {
namespace {

template <typename Offer>
std::string text_of(const Result<std::vector<Offer>>& parsed) {
  if (!parsed.ok()) return "error: " + parsed.status().message();
  std::string text;
  for (const Offer& offer : *parsed) text += (text.empty() ? "" : " ") + to_string(offer);
  return text;
}

std::string main_mode(std::string_view text) { return text_of(parse_main_mode_methods(text)); }
std::string quick_mode(std::string_view text) { return text_of(parse_quick_mode_methods(text)); }
bool refused(const std::string& text, std::string_view because) {
  return text.starts_with("error: ") && text.find(because) != std::string::npos;
}

TEST(MainModeMethods, documented_forms_in_order_of_preference) {
  EXPECT_EQ(main_mode("3DES-SHA1-2 3DES-MD5-2 DES-SHA1-1"), "3DES-SHA1-2 3DES-MD5-2 DES-SHA1-1");
  EXPECT_EQ(main_mode("3des-sha1-3"), "3DES-SHA1-14") << "3 is the documented number of the 2048-bit group";
}

TEST(MainModeMethods, our_ciphers_hashes_and_groups) {
  EXPECT_EQ(main_mode("AES128-SHA256-14 AES256-SHA384-19 AES192-SHA512-curve25519"),
            "AES128-SHA256-14 AES256-SHA384-19 AES192-SHA512-31");
}

TEST(MainModeMethods, wrong_methods_say_what_is_accepted) {
  EXPECT_TRUE(refused(main_mode("3DES-SHA1"), "Conf-Hash-Group"));
  EXPECT_TRUE(refused(main_mode("3DES-SHA1-2 3DES-SHA1 "), "'3DES-SHA1'"));
  EXPECT_TRUE(refused(main_mode("RC4-SHA1-2"), "'RC4'"));
  EXPECT_TRUE(refused(main_mode("NONE-SHA1-2"), "cipher")) << "main mode always encrypts";
  EXPECT_TRUE(refused(main_mode("AES128-GCM-SHA1-2"), "Conf-Hash-Group"));
  EXPECT_TRUE(refused(main_mode("3DES-NONE-2"), "hash"));
  EXPECT_TRUE(refused(main_mode("3DES-SHA1-4"), "group"));
  EXPECT_TRUE(refused(main_mode("3DES-SHA1-0"), "group"));
  EXPECT_TRUE(refused(main_mode("3DES-SHA1-none"), "group"));
  EXPECT_TRUE(refused(main_mode("3DES-SHA1-2;DES-MD5-1"), "Conf-Hash-Group"));
  EXPECT_TRUE(refused(main_mode("  "), "no method"));
}

TEST(QuickModeMethods, documented_forms) {
  EXPECT_EQ(quick_mode("ESP[3DES,SHA1]:100000k/3600s"), "ESP[3DES,SHA1]:100000k/3600s");
  EXPECT_EQ(quick_mode("AH[MD5]:100000k/1000s AH[SHA1]"), "AH[MD5]:100000k/1000s AH[SHA1]:100000k/3600s");
  EXPECT_EQ(quick_mode("AH[SHA1]+ESP[3DES,None]:50000k/1800s"), "AH[SHA1]+ESP[3DES,NONE]:50000k/1800s");
  EXPECT_EQ(quick_mode("esp[none,md5]"), "ESP[NONE,MD5]:100000k/3600s");
}

TEST(QuickModeMethods, a_life_may_state_one_unit_or_none) {
  EXPECT_EQ(quick_mode("ESP[3DES,SHA1]:7200s"), "ESP[3DES,SHA1]:100000k/7200s");
  EXPECT_EQ(quick_mode("ESP[3DES,SHA1]:20480K"), "ESP[3DES,SHA1]:20480k/3600s");
  EXPECT_EQ(quick_mode("ESP[3DES,SHA1]:300s/2147483647k"), "ESP[3DES,SHA1]:2147483647k/300s");
}

TEST(QuickModeMethods, our_ciphers_with_and_without_a_hash) {
  EXPECT_EQ(quick_mode("ESP[AES128-GCM] ESP[AES256,SHA256] ESP[AES192-GCM,None]"),
            "ESP[AES128-GCM]:100000k/3600s ESP[AES256,SHA256]:100000k/3600s ESP[AES192-GCM]:100000k/3600s");
}

TEST(QuickModeMethods, wrong_methods_say_what_is_accepted) {
  EXPECT_TRUE(refused(quick_mode("ESP[RC4,SHA1]"), "'RC4'"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES]"), "ESP[Conf,Auth]"));
  EXPECT_TRUE(refused(quick_mode("ESP[None,None]"), "protects nothing"));
  EXPECT_TRUE(refused(quick_mode("ESP[AES128-GCM,SHA1]"), "authenticates by itself"));
  EXPECT_TRUE(refused(quick_mode("AH[None]"), "hash"));
  EXPECT_TRUE(refused(quick_mode("AH[SHA1]+AH[MD5]"), "expected"));
  EXPECT_TRUE(refused(quick_mode("AH[SHA1]ESP[3DES,SHA1]x"), "expected"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1"), "expected"));
  EXPECT_TRUE(refused(quick_mode("ESP:3DES-SHA1"), "expected"));
  EXPECT_TRUE(refused(quick_mode(""), "no method"));
}

TEST(QuickModeMethods, lifetimes_have_the_documented_limits) {
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:20479k"), "20480 to 2147483647 kilobytes"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:2147483648k"), "20480 to 2147483647"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:299s"), "300 to 172800 seconds"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:172801s"), "300 to 172800"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:99999999999k"), "lifetime"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:3600"), "lifetime"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:3600s/3600s"), "lifetime"));
  EXPECT_TRUE(refused(quick_mode("ESP[3DES,SHA1]:"), "lifetime"));
}

}  // namespace
}  // namespace ipsec::cli
