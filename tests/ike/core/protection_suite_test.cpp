#include <gtest/gtest.h>

#include "tests/ike/core/quick_mode_pair.h"

// AH, ESP and AH around ESP negotiated between two engines (QM-02, QM-08).
namespace ipsec::ike::tests {
namespace {

const EspOffer kAesSha1{Cipher::kAes128Cbc, Integrity::kSha1};
const QuickModeOffer kEspOnly{std::nullopt, kAesSha1, 100000, 3600};
const QuickModeOffer kAhOnly{Integrity::kSha256, std::nullopt, 100000, 3600};
const QuickModeOffer kBoth{Integrity::kMd5, EspOffer{Cipher::kTripleDes, Integrity::kSha1}, 100000, 3600};

class ProtectionSuites : public testing::Test {
 protected:
  ProtectionSuites() { let_drivers_do_ah(true); }
  void let_drivers_do_ah(bool can) {
    for (Host* host : {&pair.a, &pair.b}) pair.give(*host, DriverCapable{can, true});
  }
  PolicyOptions offering(std::vector<QuickModeOffer> offers) {
    PolicyOptions options;
    options.quick_mode_offers = std::move(offers);
    return options;
  }
  const SaParameters& sa_of_a() const { return pair.a.driver.outbound.at(0); }

  Pair pair;
};

TEST_F(ProtectionSuites, QM_02_QM_08_ah_alone) {
  for (const Encapsulation mode : {Encapsulation::kTransport, Encapsulation::kTunnel}) {
    Pair one;
    for (Host* host : {&one.a, &one.b}) one.give(*host, DriverCapable{true, true});
    PolicyOptions options = offering({kAhOnly});
    if (mode == Encapsulation::kTunnel) {
      options.local_network = *AddressRange::parse("192.168.1.0/24");
      options.remote_network = *AddressRange::parse("192.168.2.0/24");
    }
    establish(one, options);
    EXPECT_EQ(compare_sas(one), "");
    const SaParameters& sa = one.a.driver.outbound[0];
    EXPECT_EQ(sa.protocol, SecurityProtocol::kAh);
    EXPECT_EQ(sa.integrity, Integrity::kSha256);
    EXPECT_EQ(sa.encapsulation, mode);
    EXPECT_TRUE(sa.encryption_key.empty());
    EXPECT_FALSE(sa.ah.has_value());
    EXPECT_EQ(one.a.driver.larval(), 0U);
    EXPECT_EQ(one.a.find_event("quick_mode_established")->fields.at("offer"), "AH SHA256");
  }
}

TEST_F(ProtectionSuites, QM_02_QM_11_ah_around_esp_has_spis_and_keys_of_its_own) {
  PolicyOptions options = offering({kBoth});
  options.pfs = true;
  establish(pair, options);
  EXPECT_EQ(compare_sas(pair), "");
  const SaParameters& sa = sa_of_a();
  EXPECT_EQ(sa.protocol, SecurityProtocol::kEsp);
  EXPECT_EQ(sa.cipher, Cipher::kTripleDes);
  ASSERT_TRUE(sa.ah.has_value());
  EXPECT_EQ(sa.ah->integrity, Integrity::kMd5);
  EXPECT_NE(sa.ah->spi, sa.spi);
  EXPECT_FALSE(constant_time_equal(sa.ah->key.view(), sa.integrity_key.view().first(sa.ah->key.size())));
  EXPECT_EQ(pair.a.driver.inbound.size(), 1U) << "one SA of the driver";
  EXPECT_EQ(pair.b.driver.larval(), 0U);
}

TEST_F(ProtectionSuites, QM_16_the_spi_of_what_was_not_chosen_is_given_back) {
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, offering({kAhOnly, kEspOnly})),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, offering({kEspOnly, kAhOnly})));
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  EXPECT_EQ(compare_sas(pair), "");
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_EQ(sa_of_a().protocol, SecurityProtocol::kAh) << "the initiator's first";
  EXPECT_EQ(pair.a.driver.larval(), 0U);
  EXPECT_EQ(pair.b.driver.larval(), 0U);
}

TEST_F(ProtectionSuites, a_driver_without_ah_offers_and_accepts_the_rest) {
  let_drivers_do_ah(false);
  establish(pair, offering({kBoth, kAhOnly, kEspOnly}));
  EXPECT_EQ(sa_of_a().cipher, Cipher::kAes128Cbc);
  EXPECT_FALSE(sa_of_a().ah.has_value());

  Pair only;
  set_mirrored_policies(only, offering({kAhOnly}));
  only.acquire(only.a, 1);
  only.run(seconds(5));
  ASSERT_EQ(only.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(only.a.driver.acquire_failures[0].reason, FailureReason::kDriverFailed);
  EXPECT_NE(only.a.driver.acquire_failures[0].text.find("AH SHA256"), std::string::npos);
}

TEST_F(ProtectionSuites, QM_18_QM_22_a_rekey_of_ah_around_esp_takes_over) {
  establish(pair, offering({kBoth}));
  const std::uint32_t old = sa_of_a().spi;
  pair.give(pair.a, RekeyRequested{old, pair.b.endpoint.address, 1, RekeyReason::kSeconds});
  pair.run(seconds(5));
  ASSERT_EQ(pair.a.driver.outbound.size(), 1U);
  EXPECT_NE(sa_of_a().spi, old);
  EXPECT_EQ(compare_sas(pair), "");
}

TEST_F(ProtectionSuites, QM_21_KEY_14_a_delete_names_both_spis_and_ends_both_on_the_peer) {
  for (const QuickModeOffer& offer : {kBoth, kAhOnly}) {
    Pair one;
    for (Host* host : {&one.a, &one.b}) one.give(*host, DriverCapable{true, true});
    establish(one, offering({offer}));
    const SaParameters inbound = one.a.driver.inbound.begin()->second;
    one.give(one.a,
             SaEnded{inbound.spi, Direction::kInbound, inbound.protocol, one.b.endpoint.address, SaEndReason::kIdle});
    one.run(seconds(5));
    EXPECT_TRUE(one.b.driver.inbound.empty()) << to_string(offer.suite());
    EXPECT_TRUE(one.b.driver.outbound.empty()) << to_string(offer.suite());
    EXPECT_EQ(one.b.count_events("quick_mode_ended"), 1U) << to_string(offer.suite());
  }
}

TEST_F(ProtectionSuites, KEY_01_shorter_lifetimes_are_said_for_ah_too) {
  QuickModeOffer shorter = kBoth;
  shorter.lifetime_seconds = 900;
  pair.set_policies(make_policy(pair.a.endpoint.address, pair.b.endpoint.address, offering({kBoth})),
                    make_policy(pair.b.endpoint.address, pair.a.endpoint.address, offering({shorter})));
  pair.acquire(pair.a, 1);
  pair.run(seconds(2));
  EXPECT_EQ(compare_sas(pair), "");
  EXPECT_EQ(sa_of_a().lifetime_seconds, 900U);
}

TEST_F(ProtectionSuites, PA_04_a_successor_of_the_service_takes_ah_around_esp_over) {
  establish(pair, offering({kBoth}));
  pair.a.crash_ike();
  pair.give(pair.a, DriverCapable{true, true});
  pair.set_policy(pair.a, make_policy(pair.a.endpoint.address, pair.b.endpoint.address, offering({kBoth})));
  DriverSasFound found;
  for (const auto& [spi, sa] : pair.a.driver.inbound) found.sas.push_back(sa);
  for (const SaParameters& sa : pair.a.driver.outbound) found.sas.push_back(sa);
  pair.give(pair.a, found);
  // The peer's delete of AH alone is meant for both.
  pair.give(pair.b, DeleteRequested{std::nullopt, true});
  pair.run(seconds(5));
  EXPECT_TRUE(pair.b.driver.inbound.empty());
}

}  // namespace
}  // namespace ipsec::ike::tests
