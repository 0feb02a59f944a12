// guid, text, names, filter_key, defaults, problem: the small value files of store/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/defaults.h"
#include "store/filter_key.h"
#include "store/guid.h"
#include "store/json/utc_time.h"
#include "store/names.h"
#include "store/text.h"
#include "store/validate.h"
#include "tests/store/store_support.h"

namespace ipsec::store::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Guid, RandomOnesAreVersion4AndReadBack) {
  ipsec::tests::SeededRandom random(7);
  for (int i = 0; i < 100; ++i) {
    const Guid guid = make_guid(random);
    EXPECT_EQ(guid.text[14], '4');
    EXPECT_THAT("89ab", HasSubstr(std::string(1, guid.text[19])));
    EXPECT_EQ(parse_guid(guid.text)->text, guid.text);
  }
}

TEST(Guid, BracesAndCaseAreAccepted) {
  EXPECT_EQ(parse_guid("{72385230-70FA-11D1-864C-14A300000000}")->text, "72385230-70fa-11d1-864c-14a300000000");
}

TEST(Guid, EverythingElseIsRefused) {
  for (std::string_view text :
       {"", "{}", "72385230-70fa-11d1-864c-14a30000000", "72385230-70fa-11d1-864c-14a3000000000",
        "72385230070fa-11d1-864c-14a300000000", "7238523g-70fa-11d1-864c-14a300000000",
        "{72385230-70fa-11d1-864c-14a300000000", "------------------------------------"}) {
    EXPECT_FALSE(parse_guid(text).ok()) << text;
  }
}

TEST(Text, CleanTextIsUtf8WithoutControlCharacters) {
  for (std::string_view text : {"", "plain", "Büro", "日本", "\xF0\x9F\x94\x92"})
    EXPECT_TRUE(is_clean_text(text)) << text;
  for (std::string_view text : {"tab\t", "line\n", "\x7f", "\xc2\x85", "\xff", "\xc0\x80", "\xe2\x82", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf"}) {
    EXPECT_FALSE(is_clean_text(text)) << text;
  }
  EXPECT_FALSE(is_clean_text(std::string_view("a\0b", 3)));
}

TEST(Text, NearestFindsTyposOnly) {
  EXPECT_EQ(nearest("filterlist", {"filter_list", "filter_action", "name"}), "filter_list");
  EXPECT_EQ(nearest("xyz", {"filter_list", "name"}), "");
}

TEST(Text, AlternativesReadLikeASentence) {
  EXPECT_EQ(alternatives({"a"}), "a");
  EXPECT_EQ(alternatives({"a", "b", "c"}), "a, b or c");
}

TEST(Names, EveryWordReadsBack) {
  for (auto value : {Action::kPermit, Action::kBlock, Action::kNegotiate})
    EXPECT_EQ(action_by_name(to_string(value)), value);
  for (auto value : {Profile::kModern, Profile::kWindows2003}) EXPECT_EQ(profile_by_name(to_string(value)), value);
  for (auto value : {ConnectionType::kAll, ConnectionType::kLan, ConnectionType::kDialup}) {
    EXPECT_EQ(connection_type_by_name(to_string(value)), value);
  }
  for (int i = 0; i < 6; ++i) {
    const auto value = static_cast<AddressKeyword>(i);
    EXPECT_EQ(address_keyword_by_name(to_string(value)), value);
  }
  EXPECT_EQ(action_by_name("PERMIT"), Action::kPermit);
  EXPECT_EQ(action_by_name("perm"), std::nullopt);
}

TEST(Names, FilterAddressesReadBackAsTheSameValue) {
  for (std::string_view text : {"me", "any", "gateway", "10.77.0.2", "10.77.0.0/24", "0.0.0.0/0", "::/0", "fd77::/64",
                                "10.77.0.1-10.77.0.9", "fe80::1-fe80::9"}) {
    const auto address = parse_filter_address(text);
    ASSERT_TRUE(address.ok()) << text << ": " << address.status().message();
    EXPECT_EQ(address_text(*address), text);
  }
  EXPECT_FALSE(parse_filter_address("db.example").ok());
  EXPECT_FALSE(parse_filter_address("10.77.0.1/24").ok());
}

TEST(FilterKey, EachFieldOfTheSelectorCounts) {
  const Filter base = filter_to_port(445);
  Filter other = base;
  other.description = "other";
  other.guid.text = "x";
  EXPECT_EQ(filter_key(base), filter_key(other));
  const std::vector<std::function<void(Filter&)>> changes = {[](Filter& f) { f.source = AddressKeyword::kAny; },
                                                             [](Filter& f) { f.destination = range("10.77.0.0/25"); },
                                                             [](Filter& f) {
                                                               f.destination = DnsName{"a.example", {}};
                                                             },
                                                             [](Filter& f) { f.protocol = kProtocolUdp; },
                                                             [](Filter& f) { f.source_port = 1; },
                                                             [](Filter& f) { f.destination_port = 446; },
                                                             [](Filter& f) { f.mirrored = false; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Filter changed = base;
    changes[i](changed);
    EXPECT_NE(filter_key(base), filter_key(changed)) << i;
  }
}

TEST(FilterKey, DnsNamesCompareWithoutCaseAndAddresses) {
  Filter a = filter_between(AddressKeyword::kMe, DnsName{"DB.example", {}});
  Filter b = filter_between(AddressKeyword::kMe, DnsName{"db.EXAMPLE", {*IpAddress::parse("192.0.2.1")}});
  EXPECT_EQ(filter_key(a), filter_key(b));
}

TEST(Defaults, DR_05_six_default_response_methods_in_order) {
  const auto offers = default_response_offers(Profile::kWindows2003);
  ASSERT_EQ(offers.size(), 6u);
  using Esp = QuickModeOffer::Esp;
  EXPECT_EQ(offers[0].esp, (Esp{Cipher::kTripleDes, Integrity::kSha1}));
  EXPECT_EQ(offers[1].esp, (Esp{Cipher::kTripleDes, Integrity::kMd5}));
  EXPECT_EQ(offers[2].esp, (Esp{Cipher::kDes, Integrity::kSha1}));
  EXPECT_EQ(offers[3].esp, (Esp{Cipher::kDes, Integrity::kMd5}));
  EXPECT_EQ(offers[4].ah, Integrity::kSha1);
  EXPECT_FALSE(offers[4].esp);
  EXPECT_EQ(offers[5].ah, Integrity::kMd5);
  EXPECT_FALSE(offers[5].esp);
}

TEST(Defaults, ModernOffersHaveNothingWeakAndNoSha1) {
  for (const MainModeOffer& offer : default_main_mode_offers(Profile::kModern)) {
    EXPECT_FALSE(info(offer.cipher).weak || info(offer.integrity).weak || info(offer.group).weak);
    EXPECT_NE(offer.integrity, Integrity::kSha1);
  }
  for (const QuickModeOffer& offer : default_quick_mode_offers(Profile::kModern)) {
    ASSERT_TRUE(offer.esp);
    EXPECT_FALSE(info(offer.esp->cipher).weak || info(offer.esp->integrity).weak);
  }
  EXPECT_EQ(default_main_mode_offers(Profile::kModern).front(),
            (MainModeOffer{Cipher::kAes256Cbc, Integrity::kSha256, DhGroup::kModp2048}));
}

TEST(Defaults, Windows2003MainModeIsTheDocumentedList) {
  const std::vector<MainModeOffer> documented = {{Cipher::kTripleDes, Integrity::kSha1, DhGroup::kModp1024},
                                                 {Cipher::kTripleDes, Integrity::kMd5, DhGroup::kModp1024},
                                                 {Cipher::kDes, Integrity::kSha1, DhGroup::kModp768},
                                                 {Cipher::kDes, Integrity::kMd5, DhGroup::kModp768}};
  EXPECT_EQ(default_main_mode_offers(Profile::kWindows2003), documented);
}

TEST(Defaults, KEY_03_KEY_06_KEY_25_KEY_27_DR_03_of_a_new_policy) {
  for (Profile profile : {Profile::kModern, Profile::kWindows2003}) {
    const Policy policy = default_policy("P", profile);
    EXPECT_THAT(validate(policy), IsEmpty());
    EXPECT_EQ(policy.isakmp.lifetime_minutes, 480u);
    EXPECT_EQ(policy.isakmp.quick_mode_limit, 0u);
    EXPECT_FALSE(policy.isakmp.master_pfs);
    EXPECT_TRUE(policy.default_response.active);
    for (const QuickModeOffer& offer : default_quick_mode_offers(profile)) {
      EXPECT_EQ(offer.lifetime_kilobytes, 100000u);
      EXPECT_EQ(offer.lifetime_seconds, 3600u);
    }
  }
}

TEST(Problem, CodesAreAscendingAndOursStartAt5900) {
  std::uint32_t last = 0;
  for (const CodeInfo& code : all_codes()) {
    EXPECT_GT(code.code, last);
    EXPECT_EQ(code.documented, code.code < 5900) << code.code;
    last = code.code;
  }
}

TEST(UtcTime, ReadsBackAndRefusesWhatIsNoDate) {
  for (WallClock time : {WallClock{0}, kNow, WallClock{-62167219200}, WallClock{253402300799}}) {
    EXPECT_EQ(parse_utc(utc_text(time)), time);
  }
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(parse_utc("2024-02-29T23:59:59Z"), 1709251199);
  for (std::string_view text : {"", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
                                "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+0", "2026-01-0aT00:00:00Z"}) {
    EXPECT_EQ(parse_utc(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ipsec::store::tests
