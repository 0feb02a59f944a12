#include "cli/arguments.h"

#include <gtest/gtest.h>

#include "tests/cli/describe.h"

namespace ipsec::cli::tests {
namespace {

TEST(Arguments, blanks_may_stand_around_the_equals_sign) {
  const std::string expected = "add filterlist | name=L | description=front line";
  for (const char* line :
       {"add filterlist name=L description=\"front line\"", "add filterlist name = L description = \"front line\"",
        "add filterlist name =L description= \"front line\"", "add filterlist \"name=L\" \"description=front line\"",
        "add filterlist name  =  L description =\"front line\""}) {
    EXPECT_EQ(described(line), expected) << line;
  }
}

TEST(Arguments, the_first_equals_sign_ends_the_tag) {
  EXPECT_EQ(described("add rule R P L A psk=a=b==c"),
            "add rule | name=R | policy=P | filterlist=L | filteraction=A | psk=a=b==c");
  EXPECT_EQ(described("add rule R P L A psk = =a"),
            "add rule | name=R | policy=P | filterlist=L | filteraction=A | psk==a");
}

TEST(Arguments, an_empty_value_is_a_value) {
  EXPECT_EQ(described("set policy P description=\"\" assign=y"), "set policy | name=P | description= | assign=yes");
  EXPECT_EQ(described("set policy P description= assign=y"), "set policy | name=P | description= | assign=yes");
  EXPECT_EQ(described("set policy P assign=y description="), "set policy | name=P | assign=yes | description=");
}

TEST(Arguments, an_argument_vector_keeps_blanks_inside_words) {
  const std::vector<std::string> words = {"add", "filterlist", "name=My List", "two words"};
  EXPECT_EQ(describe(parse_line(ContextId::kStatic, words_of(words))),
            "add filterlist | name=My List | description=two words");
}

TEST(Arguments, a_bare_word_goes_to_the_first_free_parameter_in_declared_order) {
  EXPECT_EQ(described("add filter filterlist=L any srcmask=32 srcport=0 dstaddr=me dstport=21 protocol=tcp"),
            "add filter | filterlist=L | srcaddr=<any> | srcmask=/32 | srcport=0 | dstaddr=<me> | dstport=21 | "
            "protocol=6");
  EXPECT_EQ(described("add filter filterlist=L srcaddr=any dstaddr=me protocol=tcp mirrored=yes dstport=80 web"),
            "add filter | filterlist=L | srcaddr=<any> | dstaddr=<me> | protocol=6 | mirrored=yes | dstport=80 | "
            "description=web");
  EXPECT_EQ(described("add policy name=P activatedefaultrule=yes SomeText assign=yes"),
            "add policy | name=P | activatedefaultrule=yes | description=SomeText | assign=yes");
  EXPECT_EQ(described("delete rule name=R P"), "delete rule | name=R | policy=P");
  EXPECT_EQ(described("delete rule R policy=P"), "delete rule | name=R | policy=P");
  EXPECT_EQ(described("exportpolicy C:\\x.ipsec"), "exportpolicy | file=C:\\x.ipsec");
  EXPECT_EQ(described("show filterlist all verbose"), "show filterlist | name=<all> | level=verbose");
}

TEST(Arguments, a_bare_word_never_means_a_guid_or_a_parameter_of_ours) {
  EXPECT_EQ(described("set policy P New"), "set policy | name=P | newname=New");
  EXPECT_EQ(described("set filterlist guid={0123ABCD-0000-1111-2222-333344445555} New"),
            "set filterlist | guid=0123abcd-0000-1111-2222-333344445555 | newname=New");
  EXPECT_EQ(parse_error("exportpolicy a b").kind, ParseErrorKind::kTooManyWords);
}

TEST(Arguments, all_is_a_keyword_only_as_a_bare_word) {
  EXPECT_EQ(described("delete filterlist ALL"), "delete filterlist | name=<all>");
  EXPECT_EQ(described("delete filterlist name=all"), "delete filterlist | name=all");
  EXPECT_EQ(described("show mmsas all 10.0.0.1", ContextId::kDynamic), "show mmsas | all=<all> | srcaddr=10.0.0.1");
  EXPECT_EQ(described("show mmsas 10.0.0.1", ContextId::kDynamic), "show mmsas | srcaddr=10.0.0.1");
  EXPECT_EQ(described("show rule default P"), "show rule | name=<default> | policy=P");
}

TEST(Arguments, tags_may_be_cut_short_and_the_first_in_declared_order_is_meant) {
  EXPECT_EQ(described("add rule R P filter=X filteraction=Y"),
            "add rule | name=R | policy=P | filterlist=X | filteraction=Y");
  EXPECT_EQ(
      described("add filter filterl=web srca=any dsta=me desc=tls proto=tcp mir=y dstp=443"),
      "add filter | filterlist=web | srcaddr=<any> | dstaddr=<me> | description=tls | protocol=6 | mirrored=yes | "
      "dstport=443");
  EXPECT_EQ(described("add filteraction enc qmp=y inp=n so=n act=neg qmsec=ESP[3DES,SHA1]"),
            "add filteraction | name=enc | qmpfs=yes | inpass=no | soft=no | action=negotiate | "
            "qmsecmethods=ESP[3DES,SHA1]:100000k/3600s");
}

TEST(Arguments, methods_of_authentication_keep_the_order_of_the_line) {
  EXPECT_EQ(described("add rule R P L A rootca=CN=A psk=k kerberos=yes rootca=\"CN=B certmap:yes\""),
            "add rule | name=R | policy=P | filterlist=L | filteraction=A | rootca=[CN=A map=false exclude=false] | "
            "psk=k | kerberos=yes | rootca=[CN=B map=true exclude=false]");
}

TEST(Arguments, the_same_tag_twice_is_refused) {
  EXPECT_EQ(parse_error("add policy name=P name=Q").kind, ParseErrorKind::kDuplicateTag);
  EXPECT_EQ(parse_error("add policy P desc=a description=b").kind, ParseErrorKind::kDuplicateTag);
  EXPECT_EQ(parse_error("add rule R P L A psk=geheim psk=x").text.find("geheim"), std::string::npos);
}

TEST(Arguments, name_and_guid_exclude_one_another) {
  const auto error = parse_error("set policy name=P guid={0123ABCD-0000-1111-2222-333344445555}");
  EXPECT_EQ(error.kind, ParseErrorKind::kWrongCombination);
  EXPECT_NE(error.text.find("'name' and 'guid'"), std::string::npos) << error.text;
}

TEST(Arguments, errors_name_the_word_the_parameter_and_what_is_accepted) {
  const auto error = parse_error("add filter L 300.1.1.1 me");
  EXPECT_EQ(error.kind, ParseErrorKind::kWrongValue);
  EXPECT_NE(error.text.find("'300.1.1.1' is not valid for 'srcaddr'"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("expected"), std::string::npos) << error.text;
  ASSERT_NE(error.row, nullptr);
  EXPECT_EQ(error.row->object, "filter");
  EXPECT_NE(parse_error("add policy P colour=blue").text.find("'colour' is not a valid tag"), std::string::npos);
  EXPECT_NE(parse_error("add policy P colour=blue").text.find("mmsecmethods"), std::string::npos);
  EXPECT_NE(parse_error("add filter L any").text.find("'dstaddr' is required"), std::string::npos);
}

TEST(Arguments, a_key_is_never_part_of_an_error) {
  for (const char* line : {"add rule R P L A psk=geheim geheim2 geheim3 geheim4 geheim5 geheim6 geheim7 geheim8",
                           "add rule R P L A psk=geheim colour=blue", "add rule psk=geheim"}) {
    EXPECT_EQ(parse_error(line).text.find("geheim"), std::string::npos) << parse_error(line).text;
  }
}

TEST(Arguments, masks_and_server_keywords_fit_their_sides) {
  EXPECT_EQ(parse_error("add filter L srcaddr=192.0.2.1-192.0.2.5 srcmask=24 dstaddr=me").kind,
            ParseErrorKind::kWrongCombination);
  EXPECT_EQ(parse_error("add filter L srcaddr=192.0.2.1 srcmask=33 dstaddr=me").kind,
            ParseErrorKind::kWrongCombination);
  EXPECT_EQ(parse_error("add filter L srcaddr=dns dstaddr=192.0.2.1").kind, ParseErrorKind::kWrongCombination);
  EXPECT_EQ(parse_error("add filter L srcaddr=any dstaddr=GATEWAY").kind, ParseErrorKind::kWrongCombination);
  EXPECT_EQ(parse_error("show qmfilter srcmask=24", ContextId::kDynamic).kind, ParseErrorKind::kWrongCombination);
  EXPECT_EQ(described("add filter L srcaddr=any srcmask=32 dstaddr=me dstmask=255.255.255.255"),
            "add filter | filterlist=L | srcaddr=<any> | srcmask=/32 | dstaddr=<me> | dstmask=/32");
}

TEST(Arguments, numbers_have_their_documented_ranges) {
  EXPECT_EQ(parse_error("add policy P mmlifetime=0").kind, ParseErrorKind::kWrongValue);
  EXPECT_EQ(parse_error("add policy P mmlifetime=71582789").kind, ParseErrorKind::kWrongValue);
  EXPECT_EQ(parse_error("add policy P pollinginterval=-1").kind, ParseErrorKind::kWrongValue);
  EXPECT_NE(parse_error("add policy P mmlifetime=x").text.find("1 to 71582788 minutes"), std::string::npos);
  EXPECT_EQ(parse_error("add filter L any me dstport=65536").kind, ParseErrorKind::kWrongValue);
}

TEST(Arguments, groups_of_quick_mode_pfs) {
  EXPECT_EQ(described("add filteraction A pfsgroup=GRP2"), "add filteraction | name=A | pfsgroup=modp1024");
  EXPECT_EQ(described("add filteraction A pfsgroup=grp3"), "add filteraction | name=A | pfsgroup=modp2048");
  EXPECT_EQ(described("add filteraction A pfsgroup=GRPMM"), "add filteraction | name=A | pfsgroup=none");
  EXPECT_EQ(described("add filteraction A pfsgroup=31"), "add filteraction | name=A | pfsgroup=curve25519");
  EXPECT_EQ(parse_error("add filteraction A pfsgroup=grp").kind, ParseErrorKind::kWrongValue);
}

}  // namespace
}  // namespace ipsec::cli::tests
