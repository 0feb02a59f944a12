#include "cli/ipseccmd.h"

#include <gtest/gtest.h>

namespace ipsec::cli {
namespace {

std::string text_of(const AddressValue& address) {
  if (const auto* keyword = std::get_if<AddressKeyword>(&address)) return std::string(name(*keyword));
  if (const auto* range = std::get_if<AddressRange>(&address)) return range->to_string();
  return std::get<HostName>(address).text;
}

std::string filter(std::string_view text) {
  const auto parsed = parse_ipseccmd_filter(text);
  if (!parsed.ok()) return "error: " + parsed.status().message();
  const char* actions[] = {"", " permit", " block"};
  return fmt::format("{}:{} {} {}:{} {}{}", text_of(parsed->source), parsed->source_port,
                     parsed->mirrored ? "<->" : "->", text_of(parsed->destination), parsed->destination_port,
                     parsed->protocol, actions[static_cast<int>(parsed->action)]);
}

Result<Ipseccmd> parse(std::string_view line) { return parse_ipseccmd(split_words(line)); }

std::string error(std::string_view line) {
  const auto parsed = parse(line);
  return parsed.ok() ? "understood" : parsed.status().message();
}

TEST(IpseccmdFilters, mean_what_the_documents_say) {
  const std::pair<const char*, const char*> rows[] = {
      {"*+0:135:TCP", "any:0 <-> me:135 6"},
      {"*=0:80:tcp", "any:0 -> me:80 6"},
      {"0:80+*::TCP", "me:80 <-> any:0 6"},
      {"0+*", "me:0 <-> any:0 0"},
      {"0+*:4820:TCP", "me:0 <-> any:4820 6"},
      {"*=0::icmp", "any:0 -> me:0 1"},
      {"0=*:53:UDP", "me:0 -> any:53 17"},
      {"144.92.*.*+0", "144.92.0.0/16:0 <-> me:0 0"},
      {"10.0.0.0/255.0.0.0+0:*:17", "10.0.0.0/8:0 <-> me:0 17"},
      {"0/255.255.255.255=1.2.3.4/255.255.255.255:80:tcp", "me:0 -> 1.2.3.4:80 6"},
      {"server.example+0:25:TCP", "server.example:0 <-> me:25 6"},
      {"(0+*)", "me:0 <-> any:0 0 permit"},
      {"[*+0:23:TCP]", "any:0 <-> me:23 6 block"},
  };
  for (const auto& [text, meaning] : rows) EXPECT_EQ(filter(text), meaning) << text;
}

TEST(IpseccmdFilters, that_are_wrong_are_refused_with_the_part_named) {
  for (const char* text : {"", "*", "1.2.3.4", "*+", "+0", "300.1.1.1+0", "*.1.*.*+0", "*+0:80:TCP:x", "*+0:70000:TCP",
                           "*+0:80:TCQ", "(*+0", "1.2.3.4/33+0", "*:1:2+0"}) {
    EXPECT_EQ(filter(text).substr(0, 5), "error") << text;
  }
  EXPECT_NE(filter("*+0:70000:TCP").find("70000"), std::string::npos);
}

TEST(Ipseccmd, the_common_line_of_scripts) {
  const auto command = parse("-w REG -p \"Block Ports\" -r \"Block TCP/135\" -f *+0:135:TCP *+0:445:TCP -n BLOCK -x");
  ASSERT_TRUE(command.ok()) << command.status().message();
  EXPECT_TRUE(command->is_static);
  EXPECT_EQ(command->policy, "Block Ports");
  EXPECT_EQ(command->rule, "Block TCP/135");
  EXPECT_EQ(command->filters.size(), 2U);
  EXPECT_EQ(command->action, Ipseccmd::Action::kBlock);
  EXPECT_EQ(command->assign, Ipseccmd::Assign::kYes);
}

TEST(Ipseccmd, every_option) {
  const auto command = parse(
      "-W reg -P P:30 -R R -F 0+10.0.0.1 -N INPASS ESP[3DES,SHA]3600S/50000KP2 AH[MD5] -T 198.51.100.1 "
      "-A PRESHARE:\"two words\" KERBEROS CERT:\"CN=Root CA\" -1S 3DES-SHA-2 DES-MD5-1 -1K 10Q/28830S -1P "
      "-1E 1200 -SOFT -CONFIRM -LAN -Y -O");
  ASSERT_TRUE(command.ok()) << command.status().message();
  EXPECT_EQ(command->policy, "P");
  EXPECT_EQ(command->polling_minutes, 30U);
  EXPECT_TRUE(command->inbound_passthrough);
  ASSERT_EQ(command->offers.size(), 2U);
  EXPECT_EQ(to_string(command->offers[0]), "ESP[3DES,SHA1]:50000k/3600s");
  EXPECT_EQ(to_string(command->offers[1]), "AH[MD5]:100000k/3600s");
  EXPECT_EQ(command->pfs_group, DhGroup::kModp1024);
  ASSERT_EQ(command->authentication.size(), 3U);
  EXPECT_EQ(command->authentication[0].key.reveal_text(), "two words");
  EXPECT_EQ(command->authentication[2].root_ca, "CN=Root CA");
  ASSERT_EQ(command->main_mode_offers.size(), 2U);
  EXPECT_EQ(to_string(command->main_mode_offers[0]), "3DES-SHA1-2");
  EXPECT_EQ(command->quick_mode_limit, 10U);
  EXPECT_EQ(command->main_mode_minutes, 481U) << "seconds are rounded up to minutes";
  EXPECT_EQ(command->soft_sa_seconds, 1200U);
  EXPECT_TRUE(command->master_pfs && command->soft && command->remove);
  EXPECT_EQ(command->connection_type, "lan");
  EXPECT_EQ(command->assign, Ipseccmd::Assign::kNo);
}

TEST(Ipseccmd, pfs_without_a_group_is_that_of_the_main_mode) {
  EXPECT_EQ(parse("-f 0+* -n ESP[3DES,SHA1]PFS")->pfs_group, DhGroup::kNone);
  EXPECT_FALSE(parse("-f 0+* -n ESP[3DES,SHA1]")->pfs_group.has_value());
}

TEST(Ipseccmd, wrong_lines_say_what_is_accepted) {
  const std::pair<const char*, const char*> rows[] = {
      {"-z", "no option"},
      {"-f", "needs a value"},
      {"-w", "needs a value"},
      {"-w FILE -p P", "expected REG"},
      {"-w DS:example -p P", "set store location=domain"},
      {"\\\\server -f 0+*", "another machine"},
      {"-w REG", "-p"},
      {"-w REG -p P -f 0+*", "-r"},
      {"-w REG -p P -r R -f (0+*)", "without -w"},
      {"-n BLOCK", "-f"},
      {"-f 0+* -x", "-w REG"},
      {"-f 0+* -n MAYBE", "BLOCK, PASS"},
      {"-f 0+* -n BLOCK ESP[3DES,SHA1]", "stand alone"},
      {"-f 0+* -n ESP[RC4,SHA1]", "RC4"},
      {"-f 0+* -n ESP[3DES,SHA1]5Z", "limit of rekeying"},
      {"-f 0+* -1k 10X", "10Q"},
      {"-f 0+* -1s 3DES", "3DES"},
      {"-f 0+* -1f x", "-1f"},
      {"show colours", "filters, policies"},
  };
  for (const auto& [line, text] : rows)
    EXPECT_NE(error(line).find(text), std::string::npos) << line << ": " << error(line);
}

TEST(Ipseccmd, a_wrong_authentication_method_is_not_repeated) {
  EXPECT_EQ(error("-f 0+* -a PRESHAREsecret").find("secret"), std::string::npos);
}

}  // namespace
}  // namespace ipsec::cli
