#include "services/policyagent/core/manual_sa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/core/limits.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SecretBytes key(std::size_t size, std::uint8_t value = 1) { return SecretBytes(ByteView(Bytes(size, value))); }

ManualSa sound() {
  ManualSa sa;
  sa.source = address("10.77.0.1");
  sa.destination = address("10.77.0.2");
  sa.traffic = {AddressRange::host(sa.source), AddressRange::host(sa.destination), 0, {}, {}};
  sa.spi = 0x1001;
  sa.cipher = Cipher::kAes128Cbc;
  sa.integrity = Integrity::kSha256;
  sa.encryption_key = key(16);
  sa.integrity_key = key(32);
  return sa;
}

std::vector<std::string> fields_of(const std::vector<ManualSaComplaint>& problems) {
  std::vector<std::string> fields;
  for (const ManualSaComplaint& problem : problems) fields.push_back(problem.field);
  return fields;
}

// The one complaint about the SA after this change.
template <typename Change>
ManualSaComplaint complaint(Change change) {
  ManualSa sa = sound();
  change(sa);
  const std::vector<ManualSaComplaint> problems = check(sa, {});
  EXPECT_EQ(problems.size(), 1U);
  return problems.empty() ? ManualSaComplaint() : problems.front();
}

TEST(ManualSa, ARC_09_every_kind_of_suite_is_accepted) {
  EXPECT_THAT(check(sound(), {}), IsEmpty());
  ManualSa gcm = sound();
  gcm.cipher = Cipher::kChacha20Poly1305;
  gcm.integrity = Integrity::kNone;
  gcm.encryption_key = key(36);
  gcm.integrity_key = {};
  EXPECT_THAT(check(gcm, {}), IsEmpty());
  ManualSa ah = sound();
  ah.cipher.reset();
  ah.integrity = Integrity::kNone;
  ah.encryption_key = ah.integrity_key = {};
  ah.ah = Integrity::kAes256Gmac;
  ah.ah_key = key(36);
  EXPECT_THAT(check(ah, {}), IsEmpty());
  ManualSa bundle = sound();
  bundle.ah = Integrity::kSha1;
  bundle.ah_key = key(20);
  bundle.ah_spi = 0x1002;
  bundle.integrity = Integrity::kNone;
  bundle.integrity_key = {};
  EXPECT_THAT(check(bundle, {}), IsEmpty());
}

TEST(ManualSa, each_complaint_names_the_parameter_and_what_would_be_accepted) {
  ManualSaComplaint problem = complaint([](ManualSa& sa) { sa.encryption_key = key(15); });
  EXPECT_EQ(problem.field, "enckey");
  EXPECT_THAT(problem.text, HasSubstr("16 octets, 32 hexadecimal digits; 15 octets were given"));
  problem = complaint([](ManualSa& sa) { sa.integrity_key = {}; });
  EXPECT_EQ(problem.field, "authkey");
  EXPECT_THAT(problem.text, HasSubstr("needs a key of 32 octets"));
  problem = complaint([](ManualSa& sa) { sa.ah_key = key(20); });
  EXPECT_EQ(problem.field, "ahkey");
  EXPECT_THAT(problem.text, HasSubstr("no algorithm that takes this key"));
  problem = complaint([](ManualSa& sa) { sa.spi = 255; });
  EXPECT_EQ(problem.field, "spi");
  EXPECT_THAT(problem.text, HasSubstr("256 to 4294967295"));
  EXPECT_EQ(complaint([](ManualSa& sa) { sa.ah_spi = 300; }).field, "ahspi");
  problem = complaint([](ManualSa& sa) { sa.replay_window = 63; });
  EXPECT_EQ(problem.field, "replaywindow");
  EXPECT_THAT(problem.text, HasSubstr("64 to 65536"));
  EXPECT_EQ(complaint([](ManualSa& sa) { sa.replay_window = 65537; }).field, "replaywindow");
  EXPECT_EQ(complaint([](ManualSa& sa) { sa.traffic.source = range("10.77.0.0/24"); }).field, "srcaddr");
  EXPECT_EQ(complaint([](ManualSa& sa) { sa.traffic.source_port = PortRange::single(80); }).field, "srcport");
  problem = complaint([](ManualSa& sa) {
    sa.integrity = Integrity::kNone;
    sa.integrity_key = {};
  });
  EXPECT_EQ(problem.field, "method");
  EXPECT_THAT(problem.text, HasSubstr("RFC 8221"));
  EXPECT_THAT(fields_of(check(
                  [] {
                    ManualSa sa = sound();
                    sa.spi = 1;
                    sa.encryption_key = {};
                    sa.replay_window = 1;
                    return sa;
                  }(),
                  {})),
              ElementsAre("spi", "enckey", "replaywindow"));
}

// Both ends would count under one key: GCM and its kind are broken by an IV that comes twice.
TEST(ManualSa, a_key_of_a_counter_mode_serves_one_direction) {
  ManualSa forth = sound();
  forth.cipher = Cipher::kAes128Gcm;
  forth.integrity = Integrity::kNone;
  forth.encryption_key = key(20);
  forth.integrity_key = {};
  ManualSa back = forth;
  back.spi = 0x2001;
  const ManualSa* const others[] = {&forth};
  const std::vector<ManualSaComplaint> problems = check(back, others);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].field, "enckey");
  EXPECT_THAT(problems[0].text, HasSubstr("0x00001001"));
  back.encryption_key = key(20, 2);
  EXPECT_THAT(check(back, others), IsEmpty());
  const ManualSa cbc = sound();
  ManualSa other_cbc = sound();
  other_cbc.spi = 0x2002;
  const ManualSa* const cbc_others[] = {&cbc};
  EXPECT_THAT(check(other_cbc, cbc_others), IsEmpty());
}

TEST(ManualSa, it_goes_on_in_another_driver_where_it_was) {
  ManualSa sa = sound();
  sa.lifetime_seconds = 100;
  sa.lifetime_kilobytes = 1000;
  const Timestamp added{std::chrono::hours(1)};
  const ManualSaUse use{added, 5000, 300 * 1024};
  const Timestamp later = added + std::chrono::seconds(30);
  EXPECT_EQ(rest_of(sa, use, later), (ManualSaRest{5000 + kSequencesLeftOut, 70, 700}));
  sa.direction = Direction::kInbound;
  EXPECT_EQ(rest_of(sa, use, later), (ManualSaRest{5000, 70, 700})) << "the peer goes on where it is";
  EXPECT_EQ(rest_of(sa, use, added + std::chrono::seconds(100)), std::nullopt);
  EXPECT_EQ(rest_of(sa, {added, 5000, 1000 * 1024}, later), std::nullopt);
  sa.direction = Direction::kOutbound;
  const ManualSaUse nearly_over{added, 0xFFFF'FFFF - kSequencesLeftOut, 0};
  EXPECT_EQ(rest_of(sa, nearly_over, later), std::nullopt) << "numbers never wrap";
  sa.extended_sequence = true;
  EXPECT_TRUE(rest_of(sa, nearly_over, later));
}

}  // namespace
}  // namespace ipsec::agent::tests
