#include "cli/values.h"

#include <gtest/gtest.h>

#include "cli/command.h"

namespace ipsec::cli {
namespace {

std::string shown(const Result<AddressValue>& parsed) {
  if (!parsed.ok()) return "error: " + parsed.status().message();
  if (const auto* keyword = std::get_if<AddressKeyword>(&*parsed)) return fmt::format("<{}>", name(*keyword));
  if (const auto* range = std::get_if<AddressRange>(&*parsed)) return range->to_string();
  return fmt::format("dns:{}", std::get<HostName>(*parsed).text);
}
std::string address(std::string_view text) { return shown(parse_address(text)); }

TEST(AddressValues, keywords_in_any_case) {
  EXPECT_EQ(address("ME"), "<me>");
  EXPECT_EQ(address("Any"), "<any>");
  EXPECT_EQ(address("GATEWAY"), "<gateway>");
  EXPECT_EQ(address("dns"), "<dns>");
}

TEST(AddressValues, hosts_ranges_and_prefixes_of_both_families) {
  EXPECT_EQ(address("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address("192.0.2.10-192.0.2.90"), "192.0.2.10-192.0.2.90");
  EXPECT_EQ(address("10.1.2.3/8"), "10.0.0.0/8");
  EXPECT_EQ(address("fd77::1"), "fd77::1");
  EXPECT_EQ(address("fd77::1-fd77::9"), "fd77::1-fd77::9");
  EXPECT_EQ(address("fd77::9/64"), "fd77::/64");
}

TEST(AddressValues, names) {
  EXPECT_EQ(address("update.example.com"), "dns:update.example.com");
  EXPECT_EQ(address("db-1"), "dns:db-1");
  EXPECT_EQ(address("3com.example"), "dns:3com.example");
}

TEST(AddressValues, what_looks_like_an_address_is_no_name) {
  for (const char* text : {"300.1.1.1", "192.0.2", "1.2.3.4-", "192.0.2.9-192.0.2.1", "1.2.3.4-fd77::1", "10.0.0.0/33",
                           "10.0.0.0/", "fd77::/129", "fd77::g", "a.b.7", "", "a b", "-a", "a..b", "under%score"}) {
    EXPECT_TRUE(address(text).starts_with("error: ")) << text << " became " << address(text);
    EXPECT_NE(address(text).find("me, any"), std::string::npos) << text;
  }
}

TEST(Masks, prefix_lengths_and_dotted_masks) {
  EXPECT_EQ(parse_mask("24").value(), (Mask{24, false}));
  EXPECT_EQ(parse_mask("255.255.255.0").value(), (Mask{24, true}));
  EXPECT_EQ(parse_mask("0.0.0.0").value(), (Mask{0, true}));
  EXPECT_FALSE(parse_mask("255.0.255.0").ok());
  EXPECT_FALSE(parse_mask("129").ok());
  EXPECT_FALSE(parse_mask("/24").ok());
}

TEST(Masks, beside_an_address) {
  const auto host = parse_address("192.0.2.77").value();
  EXPECT_EQ(shown(apply_mask(host, Mask{24, true})), "192.0.2.0/24");
  EXPECT_EQ(shown(apply_mask(host, std::nullopt)), "192.0.2.77");
  EXPECT_TRUE(shown(apply_mask(host, Mask{33, false})).starts_with("error: "));
  EXPECT_EQ(shown(apply_mask(parse_address("fd77::1").value(), Mask{64, false})), "fd77::/64");
  EXPECT_TRUE(shown(apply_mask(parse_address("fd77::1").value(), Mask{24, true})).starts_with("error: "));
  EXPECT_EQ(shown(apply_mask(parse_address("any").value(), Mask{0, true})), "<any>");
  EXPECT_EQ(shown(apply_mask(parse_address("me").value(), Mask{32, true})), "<me>");
  EXPECT_TRUE(shown(apply_mask(parse_address("192.0.2.1-192.0.2.5").value(), Mask{24, false})).starts_with("error: "));
  EXPECT_EQ(shown(apply_mask(parse_address("www.example.com").value(), Mask{32, true})), "dns:www.example.com");
  EXPECT_TRUE(shown(apply_mask(parse_address("www.example.com").value(), Mask{24, true})).starts_with("error: "));
}

TEST(Protocols, names_and_numbers) {
  EXPECT_EQ(parse_protocol("tcp").value(), 6U);
  EXPECT_EQ(parse_protocol("RAW").value(), 255U);
  EXPECT_EQ(parse_protocol("ANY").value(), 0U);
  EXPECT_EQ(parse_protocol("47").value(), 47U);
  EXPECT_FALSE(parse_protocol("256").ok());
  EXPECT_FALSE(parse_protocol("tc").ok());
}

TEST(Guids, with_or_without_braces) {
  constexpr const char* kCanonical = "0123abcd-0000-1111-2222-333344445555";
  EXPECT_EQ(parse_guid("{0123ABCD-0000-1111-2222-333344445555}").value(), kCanonical);
  EXPECT_EQ(parse_guid(kCanonical).value(), kCanonical);
  EXPECT_FALSE(parse_guid("{0123ABCD-0000-1111-2222-333344445555").ok());
  EXPECT_FALSE(parse_guid("0123ABCG-0000-1111-2222-333344445555").ok());
}

TEST(TunnelEnds, one_address_or_a_name) {
  EXPECT_EQ(shown(parse_tunnel_end("198.51.100.1")), "198.51.100.1");
  EXPECT_EQ(shown(parse_tunnel_end("gw.example.com")), "dns:gw.example.com");
  for (const char* text : {"me", "any", "198.51.100.0/24", "1.2.3.4-1.2.3.5"}) {
    EXPECT_FALSE(parse_tunnel_end(text).ok()) << text;
  }
}

TEST(RootCas, suffixes_are_optional_and_quotes_are_written_with_a_backslash) {
  EXPECT_EQ(parse_root_ca("C=DE, O=X GmbH, CN=Wurzel").value(), (RootCa{"C=DE, O=X GmbH, CN=Wurzel", false, false}));
  EXPECT_EQ(parse_root_ca("CN=R certmap:yes excludecaname:no").value(), (RootCa{"CN=R", true, false}));
  EXPECT_EQ(parse_root_ca("CN=R EXCLUDECANAME:yes").value(), (RootCa{"CN=R", false, true}));
  EXPECT_EQ(parse_root_ca("O=\\'Exemple, SA\\', CN=R certmap:no excludecaname:yes").value(),
            (RootCa{"O=\"Exemple, SA\", CN=R", false, true}));
  EXPECT_FALSE(parse_root_ca("CN=R certmap:maybe").ok());
  EXPECT_FALSE(parse_root_ca(" certmap:yes").ok());
  EXPECT_FALSE(parse_root_ca("").ok());
}

TEST(YesNo, four_words_in_any_case) {
  EXPECT_TRUE(parse_yes_no("Y").value());
  EXPECT_TRUE(parse_yes_no("yes").value());
  EXPECT_FALSE(parse_yes_no("N").value());
  EXPECT_FALSE(parse_yes_no("NO").value());
  EXPECT_FALSE(parse_yes_no("true").ok());
  EXPECT_FALSE(parse_yes_no("").ok());
}

}  // namespace
}  // namespace ipsec::cli
