#include "cli/format.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "cli/show_json.h"
#include "cli/text.h"
#include "tests/cli/golden.h"
#include "tests/cli/samples.h"

namespace ipsec::cli::tests {
namespace {

const ShowOptions kNormal{};
ShowOptions verbose() {
  ShowOptions options;
  options.verbose = true;
  return options;
}
ShowOptions table(bool wide = false) {
  ShowOptions options;
  options.table = true;
  options.wide = wide;
  return options;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

TEST(Format, golden_listings_of_the_store) {
  const proto::ReadReply store = sample_store();
  expect_golden("policies.txt", format_policies(store, {}));
  expect_golden("policies-verbose.txt", format_policies(store, verbose()));
  expect_golden("policies-table.txt", format_policies(store, table()));
  expect_golden("policies-table-wide.txt", format_policies(store, table(true)));
  const RuleSelection every_rule = {[](const auto&, int) { return true; }, true};
  expect_golden("rules.txt", format_rules(store.policies(0), store, every_rule, {}));
  expect_golden("rules-verbose.txt", format_rules(store.policies(0), store, every_rule, verbose()));
  expect_golden("rules-table.txt", format_rules(store.policies(0), store, every_rule, table()));
  expect_golden("rules-table-wide.txt", format_rules(store.policies(0), store, every_rule, table(true)));
  expect_golden("filterlists.txt", format_filter_lists(store, {}));
  expect_golden("filterlists-verbose.txt", format_filter_lists(store, verbose()));
  expect_golden("filterlists-table.txt", format_filter_lists(store, table()));
  expect_golden("filterlists-table-wide.txt", format_filter_lists(store, table(true)));
  ShowOptions both = table(true);
  both.verbose = true;
  expect_golden("filterlists-verbose-table.txt", format_filter_lists(store, both));
  expect_golden("filteractions.txt", format_filter_actions(store, {}));
  expect_golden("filteractions-table.txt", format_filter_actions(store, table()));
}

TEST(Format, golden_listings_of_what_runs) {
  const proto::CompiledPolicyReply compiled = sample_compiled();
  expect_golden("mmpolicy.txt", format_main_mode_policies(compiled));
  expect_golden("qmpolicy.txt", format_quick_mode_policies(compiled));
  expect_golden("mmfilter-generic.txt", format_generic_main_mode_filters(compiled));
  expect_golden("mmfilter-specific.txt", format_specific_main_mode_filters(compiled, {}));
  expect_golden("qmfilter-generic.txt", format_generic_filters(compiled, compiled));
  expect_golden("qmfilter-specific.txt", format_specific_filters(compiled, compiled, {}));
  expect_golden("rule.txt", format_running_rules(compiled, compiled));
  expect_golden("exemptions.txt", format_exemptions(compiled));
  expect_golden("certificates.txt", format_certificates(sample_certificates()));
  expect_golden("mmsas.txt", format_main_mode_sas(sample_main_mode_sas(), kSampleTime, {}));
  ShowOptions verbose;
  verbose.verbose = true;
  expect_golden("negotiations.txt", format_negotiations(sample_negotiations(), {}));
  expect_golden("negotiations-verbose.txt", format_negotiations(sample_negotiations(), verbose));
  expect_golden("mmsas-table.txt", format_main_mode_sas(sample_main_mode_sas(), kSampleTime, table()));
  expect_golden("qmsas.txt", format_quick_mode_sas(sample_quick_mode_sas(), {}));
  expect_golden("sas.txt", format_sas(sample_sas(), {}));
  expect_golden("sas-table.txt", format_sas(sample_sas(), table(true)));
  expect_golden("qmsas-table.txt", format_quick_mode_sas(sample_quick_mode_sas(), table(true)));
  expect_golden("stats.txt",
                format_ike_statistics(sample_statistics()) + "\n" + format_driver_statistics(sample_statistics()));
  expect_golden("status.txt", format_status(sample_status()));
  expect_golden("stores.txt", format_stores(sample_stores()));
  expect_golden("events.txt", format_events(sample_events()));
}

TEST(Format, golden_findings) {
  expect_golden("lint.txt", format_findings(sample_findings()));
  expect_golden("lint-warnings.txt", format_warnings(sample_findings()));
  EXPECT_EQ(format_findings({}),
            "No. of Errors           : 0\nNo. of Warnings         : 0\nNo. of Informations     : 0\n");
}

TEST(Format, DR_08_a_dynamic_filter_is_told_from_the_others) {
  proto::CompiledPolicyReply compiled = sample_compiled();
  auto& filters = *compiled.mutable_driver()->mutable_filters();
  filters.DeleteSubrange(1, filters.size() - 1);
  EXPECT_EQ(format_specific_filters(compiled, compiled, {}).find("Dynamic"), std::string::npos);
  filters[0].set_dynamic(true);
  filters[0].set_generic_id(0);
  const std::string shown = format_specific_filters(compiled, compiled, {});
  EXPECT_NE(shown.find("Dynamic                 : YES\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("Connection Type         : all\n"), std::string::npos) << shown;
}

TEST(Format, golden_json) {
  expect_golden("store.json", show_json("static show all", sample_store()));
  expect_golden("compiled.json", show_json("dynamic show all", sample_compiled()));
  expect_golden("qmsas.json", show_json("dynamic show qmsas", sample_quick_mode_sas()));
  expect_golden("events.json", show_json("dynamic show events", sample_events()));
  expect_golden("status.json", show_json("dynamic show status", sample_status()));
  expect_golden("stores.json", show_json("static show store", sample_stores()));
  expect_golden("negotiations.json", show_json("dynamic show negotiations", sample_negotiations()));
  expect_golden("mmsas.json", show_json("dynamic show mmsas", sample_main_mode_sas()));
  expect_golden("stats.json", show_json("dynamic show stats", sample_statistics()));
  expect_golden("lint.json", show_json("static lint", sample_findings()));
}

TEST(Format, keys_never_show) {
  const std::string secret = "never to be seen";
  for (const std::string& text :
       {show_json("", sample_compiled()), show_json("", sample_quick_mode_sas()),
        format_generic_main_mode_filters(sample_compiled()), format_specific_main_mode_filters(sample_compiled(), {}),
        format_running_rules(sample_compiled(), sample_compiled()),
        format_quick_mode_sas(sample_quick_mode_sas(), {})}) {
    EXPECT_EQ(text.find(secret), std::string::npos);
    EXPECT_EQ(text.find("encryption_key"), std::string::npos);
    EXPECT_EQ(text.find("integrity_key"), std::string::npos);
  }
}

// Programs that read the documented tables count lines and look for a line of dashes (reference, section 8).
TEST(Format, tables_keep_the_documented_shape) {
  const proto::ReadReply store = sample_store();
  const auto policies = lines_of(format_policies(store, table()));
  ASSERT_EQ(policies.size(), 4U + 2U + 5U);
  EXPECT_TRUE(policies[4].starts_with("Partner link")) << policies[4];
  EXPECT_NE(policies[4].find("\t2"), std::string::npos) << policies[4];
  const auto lists = lines_of(format_filter_lists(store, table(true)));
  ASSERT_EQ(lists.size(), 2U + 2U + 5U);
  EXPECT_TRUE(lists[2].starts_with("db1 to db2")) << lists[2];
  EXPECT_TRUE(lists[2].ends_with("\t5")) << lists[2];
  const auto actions = lines_of(format_filter_actions(store, table()));
  ASSERT_EQ(actions.size(), 2U + 2U + 5U);
  EXPECT_TRUE(actions[2].starts_with("Must encrypt"));

  ShowOptions options = table(true);
  options.verbose = true;
  const auto filters = lines_of(format_filter_list(store.filter_lists(0), "local", options));
  const auto dashes =
      std::find_if(filters.begin(), filters.end(), [](const std::string& line) { return line.ends_with("-------"); });
  ASSERT_NE(dashes, filters.end());
  for (std::ptrdiff_t row = 1; row <= 5; ++row) {
    EXPECT_FALSE(dashes[2 * row - 1].empty());
    EXPECT_EQ(dashes[2 * row], "") << "a blank line after every row";
  }
  EXPECT_NE(dashes[1].find("\t<My IP Address>"), std::string::npos) << dashes[1];
}

TEST(Format, narrow_tables_fit_the_screen) {
  for (const std::string& text :
       {format_policies(sample_store(), table()), format_filter_lists(sample_store(), table())}) {
    for (const std::string& line : lines_of(text)) {
      std::size_t column = 0;
      for (const char c : line) column = c == '\t' ? (column / 8 + 1) * 8 : column + 1;
      EXPECT_LE(column, 80U) << line;
    }
  }
  EXPECT_NE(format_filter_lists(sample_store(), table()).find("..."), std::string::npos);
  EXPECT_EQ(format_filter_lists(sample_store(), table(true)).find("..."), std::string::npos);
}

TEST(Format, names_of_addresses_only_where_asked_for) {
  ShowOptions options;
  options.name_of = [](const IpAddress& one) { return "host-" + one.to_string(); };
  EXPECT_NE(format_main_mode_sas(sample_main_mode_sas(), kSampleTime, options).find("10.77.0.2 (host-10.77.0.2)"),
            std::string::npos);
  EXPECT_EQ(format_main_mode_sas(sample_main_mode_sas(), kSampleTime, kNormal).find("host-"), std::string::npos);
}

TEST(Format, statistics_have_the_words_of_netsh) {
  const std::string ike = format_ike_statistics(sample_statistics());
  EXPECT_NE(ike.find("\nMain Modes "), std::string::npos) << ike;
  EXPECT_NE(ike.find("\nTotalKeyAdd "), std::string::npos) << ike;
  const std::string driver = format_driver_statistics(sample_statistics());
  EXPECT_NE(driver.find("\nActive Assoc "), std::string::npos) << driver;
  EXPECT_NE(driver.find("\nKey Adds "), std::string::npos) << driver;
}

TEST(Format, what_is_not_there_is_said) {
  EXPECT_EQ(format_main_mode_sas({}, kSampleTime, {}), "IKE Main Mode SAs not available.\n");
  EXPECT_EQ(format_negotiations({}, {}), "No negotiation has failed.\n");
  EXPECT_EQ(format_quick_mode_sas({}, {}), "Quick Mode SAs not available.\n");
  EXPECT_EQ(format_main_mode_policies({}), "Main mode policies not available.\n");
  EXPECT_EQ(format_quick_mode_policies({}), "Quick mode policies not available.\n");
  EXPECT_EQ(format_generic_main_mode_filters({}), "Generic main mode filters not available.\n");
  EXPECT_EQ(format_specific_main_mode_filters({}, {}), "Specific main mode filters not available.\n");
  EXPECT_EQ(format_generic_filters({}, {}), "Generic quick mode filters not available.\n");
  EXPECT_EQ(format_specific_filters({}, {}, {}), "Specific quick mode filters not available.\n");
  EXPECT_EQ(format_running_rules({}, {}), "Rules not available.\n");
  EXPECT_NE(format_status({}).find("No Currently Assigned Policy"), std::string::npos);
  EXPECT_NE(format_ike_statistics({}).find("does not answer"), std::string::npos);
  EXPECT_EQ(format_events({}), "No events.\n");
}

TEST(Text, control_characters_never_reach_the_terminal) {
  const std::string text = format_main_mode_sas(sample_main_mode_sas(), kSampleTime, {}) +
                           format_events(sample_events()) + format_negotiations(sample_negotiations(), {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("\\x1b[2J"), std::string::npos);
  EXPECT_NE(text.find("wrong\\x0akey"), std::string::npos);
}

TEST(Text, durations_and_sizes) {
  EXPECT_EQ(duration(0), "0s");
  EXPECT_EQ(duration(59), "59s");
  EXPECT_EQ(duration(60), "1m 00s");
  EXPECT_EQ(duration(7210), "2h 00m 10s");
  EXPECT_EQ(duration(2 * 86400 + 3 * 3600), "2d 03h");
  EXPECT_EQ(byte_count(999), "999 B");
  EXPECT_EQ(byte_count(1000), "1.0 kB");
  EXPECT_EQ(byte_count(99949), "99.9 kB");
  EXPECT_EQ(byte_count(999499), "999 kB");
  EXPECT_EQ(byte_count(999500), "1.0 MB");
  EXPECT_EQ(byte_count(18446744073709551615U), "18.4 EB");
}

TEST(Text, times_outside_four_digit_years_are_no_times) {
  EXPECT_EQ(utc_time(kSampleTime), "2026-11-20 20:00:00 UTC");
  EXPECT_EQ(utc_time(0), "never");
  EXPECT_EQ(utc_time(INT64_MIN), "never");
  EXPECT_EQ(utc_time(INT64_MAX), "never");
}

TEST(Text, widths_count_columns_and_cutting_keeps_characters_whole) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("远程"), 4U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(cut("远程桌面访问", 7), "远程...");
  EXPECT_EQ(cut("远程桌面访问", 8), "远程...");
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("abcdef", 5), "ab...");
  EXPECT_EQ(cut("abcdef", 2), "..");
  EXPECT_EQ(cut("\xff\xfe", 1), ".");
  EXPECT_EQ(padded("远", 4), "远  ");
}

}  // namespace
}  // namespace ipsec::cli::tests
