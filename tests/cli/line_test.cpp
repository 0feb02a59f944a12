#include "cli/line.h"

#include <gtest/gtest.h>

#include "tests/cli/describe.h"

namespace ipsec::cli::tests {
namespace {

TEST(Lines, contexts_are_entered_from_above_and_from_the_root) {
  EXPECT_EQ(described("ipsec", ContextId::kRoot), "enter ipsec");
  EXPECT_EQ(described("static", ContextId::kIpsec), "enter ipsec static");
  EXPECT_EQ(described("IPsec Stat", ContextId::kRoot), "enter ipsec static");
  EXPECT_EQ(described("ipsec dynamic", ContextId::kStatic), "enter ipsec dynamic");
  EXPECT_EQ(described("dynamic", ContextId::kStatic), "enter ipsec dynamic");
}

TEST(Lines, a_command_carries_the_rest_of_its_path) {
  const std::string expected = "add filterlist | name=L";
  EXPECT_EQ(described("add filterlist L", ContextId::kStatic), expected);
  EXPECT_EQ(described("static add filterlist L", ContextId::kIpsec), expected);
  EXPECT_EQ(described("ipsec  static\tadd filterlist L", ContextId::kRoot), expected);
  EXPECT_EQ(described("ipsec static add filterlist L", ContextId::kDynamic), expected);
  EXPECT_EQ(described("NETSH ipsec static add filterlist L", ContextId::kRoot), expected);
  EXPECT_EQ(described("netsh.exe ipsec static add filterlist L", ContextId::kStatic), expected);
}

TEST(Lines, verbs_and_objects_may_be_cut_short_and_exact_names_win) {
  EXPECT_EQ(described("del rule all P"), "delete rule | name=<all> | policy=P");
  EXPECT_EQ(described("DEL FILTER L any me"), "delete filter | filterlist=L | srcaddr=<any> | dstaddr=<me>");
  EXPECT_EQ(described("del filterl L"), "delete filterlist | name=L");
  EXPECT_EQ(described("del filtera L"), "delete filteraction | name=L");
  EXPECT_EQ(described("exp x"), "exportpolicy | file=x");
}

TEST(Lines, shell_commands_work_everywhere) {
  EXPECT_EQ(described(".."), "shell ..");
  EXPECT_EQ(described("pushd ipsec dynamic"), "shell pushd ipsec dynamic");
  EXPECT_EQ(described("BYE", ContextId::kRoot), "shell exit");
  EXPECT_EQ(described("quit"), "shell exit");
  EXPECT_EQ(described("exec a.txt", ContextId::kIpsec), "shell exec a.txt");
  EXPECT_EQ(described("offline"), "shell online");
}

TEST(Lines, help_is_asked_for_at_every_level) {
  EXPECT_EQ(described("?", ContextId::kRoot), "help ");
  EXPECT_EQ(described("/?"), "help ipsec static");
  EXPECT_EQ(described("ipsec ?", ContextId::kRoot), "help ipsec");
  EXPECT_EQ(described("ipsec static help", ContextId::kRoot), "help ipsec static");
  EXPECT_EQ(described("add"), "help add");
  EXPECT_EQ(described("add ?"), "help add");
  EXPECT_EQ(described("add policy ?"), "help add policy");
  EXPECT_EQ(described("exportpolicy /?"), "help exportpolicy ");
}

TEST(Lines, nothing) {
  EXPECT_EQ(described(""), "nothing");
  EXPECT_EQ(described("netsh"), "nothing");
}

TEST(Lines, unknown_commands_are_named_without_their_secrets) {
  EXPECT_EQ(parse_error("frobnicate everything").text, "The following command was not found: frobnicate everything.");
  EXPECT_EQ(parse_error("add nonsense psk=geheim").text, "The following command was not found: add nonsense psk=***.");
  EXPECT_EQ(parse_error("show mmsas").kind, ParseErrorKind::kUnknownCommand) << "a command of the other context";
  EXPECT_EQ(parse_error("add policy name=P", ContextId::kRoot).kind, ParseErrorKind::kUnknownCommand);
}

TEST(Lines, commands_that_exist_elsewhere_only_are_not_there) {
  for (const char* line : {"set file open x", "set mmpolicy name=X", "delete sa all", "add mmpolicy X"}) {
    EXPECT_EQ(parse_error(line).kind, ParseErrorKind::kUnknownCommand) << line;
  }
  for (const char* line : {"exportpolicy x", "importpolicy x", "add filter L any me", "set store local"}) {
    EXPECT_EQ(parse_error(line, ContextId::kDynamic).kind, ParseErrorKind::kUnknownCommand) << line;
  }
}

TEST(Lines, json_is_the_last_word_of_a_show) {
  EXPECT_EQ(described("show policy all --json"), "show policy | name=<all> | --json");
  EXPECT_EQ(described("add filterlist L --json"), "add filterlist | name=L | description=--json");
}

// As services/policyagent/shell/remedy_commands.cpp writes them, without the program's name.
TEST(Lines, remedies_of_failed_negotiations_are_commands) {
  for (
      const char* line :
      {R"(ipsec static set policy name="P" mmsecmethods="AES128-SHA1-14 3DES-MD5-31")",
       R"(ipsec static set policy name="P" assign=yes)",
       R"(ipsec static set filteraction name="A" qmpfs=yes pfsgroup=14 qmsecmethods="AH[SHA1]+ESP[AES128-GCM]:100000k/3600s")",
       R"(ipsec static set filteraction name="A" qmpfs=no)",
       R"(ipsec static set rule name="R" policy="P" kerberos=yes psk="the key")",
       R"(ipsec static set defaultrule policy="P" qmpfs=yes psk="the key")",
       R"(ipsec static add filter filterlist="L" srcaddr=10.77.0.1 dstaddr=10.77.0.0/24 protocol=6 dstport=445 mirrored=yes)",
       R"(ipsec dynamic set mmpolicy name="P" mmsecmethods="AES128-SHA1-14")",
       R"(ipsec dynamic set qmpolicy name="P" pfsgroup=GRP14 qmsecmethods="ESP[AES128,SHA1]:100000k/3600s")",
       R"(ipsec dynamic set qmpolicy name="P" pfsgroup=NOPFS)",
       R"(ipsec dynamic set rule srcaddr=me dstaddr=10.77.0.2 mirrored=yes protocol=ANY srcport=0 dstport=0 conntype=all psk="the key")",
       R"(ipsec dynamic add rule srcaddr=10.77.0.1 dstaddr=10.77.0.2 protocol=6 dstport=445 mirrored=yes mmpolicy="M" qmpolicy="Q" psk="the key")"}) {
    EXPECT_TRUE(std::holds_alternative<Command>(parse(line, ContextId::kRoot)))
        << line << ": " << describe(parse(line, ContextId::kRoot));
  }
}

TEST(Contexts, paths_of_pushd) {
  const auto path = [](std::string_view text, ContextId from) { return find_context(from, split_words(text)); };
  EXPECT_EQ(path("ipsec static", ContextId::kRoot), ContextId::kStatic);
  EXPECT_EQ(path("ipsec dynamic", ContextId::kStatic), ContextId::kDynamic);
  EXPECT_EQ(path("netsh ipsec", ContextId::kStatic), ContextId::kIpsec);
  EXPECT_EQ(path("", ContextId::kStatic), ContextId::kStatic);
  EXPECT_EQ(path("firewall", ContextId::kRoot), std::nullopt);
}

}  // namespace
}  // namespace ipsec::cli::tests
