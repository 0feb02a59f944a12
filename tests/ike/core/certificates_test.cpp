#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ike/certificates/container.h"
#include "tests/ike/certificates/test_authority.h"
#include "tests/ike/core/pair.h"
#include "tests/support/seeded_random.h"

namespace ipsec::ike::tests {
namespace {

using testing::HasSubstr;

// Two hosts with certificates of one authority.
class CertificateMainMode : public testing::Test {
 protected:
  CertificateMainMode() {
    pair.wall_clock = kTestNow;
    options.authorities = {{"CN=Root", false, false}};
  }

  static CertificateOptions named(const std::string& subject, const std::string& key = "rsa:2048") {
    CertificateOptions made;
    made.subject = subject;
    made.key = key;
    made.key_label = subject;
    return made;
  }
  void equip(const Issued& of_a, const Issued& of_b) {
    pair.set_certificates(pair.a, store_of({of_a}, {root.certificate()}));
    pair.set_certificates(pair.b, store_of({of_b}, {root.certificate()}));
  }
  void negotiate() {
    set_mirrored_policies(pair, options);
    pair.acquire(pair.a, 1);
    pair.run(std::chrono::seconds(300));
  }
  void expect_sas() {
    EXPECT_EQ(pair.a.driver.outbound.size(), 1U);
    EXPECT_EQ(pair.b.driver.outbound.size(), 1U);
    EXPECT_EQ(compare_sas(pair), "");
  }
  void expect_failure(Host& host, const std::string& reason, const std::string& text) {
    EXPECT_TRUE(pair.a.driver.outbound.empty());
    EXPECT_TRUE(pair.b.driver.outbound.empty());
    const ReportEvent* event = host.find_event(reason);
    ASSERT_NE(event, nullptr) << reason;
    EXPECT_THAT(event->text, HasSubstr(text));
  }

  TestAuthority root{"CN=Root"};
  Pair pair;
  PolicyOptions options;
};

TEST_F(CertificateMainMode, AUC_01_AUC_02_RSA_signatures_authenticate_both_sides) {
  equip(root.issue(named("C=DE, CN=a")), root.issue(named("C=DE, CN=b")));
  negotiate();
  expect_sas();
  const auto at_a = pair.a.engine.main_mode_sas(pair.now);
  ASSERT_EQ(at_a.size(), 1U);
  EXPECT_EQ(at_a[0].authentication, "Certificate (RSA signature)");
  EXPECT_EQ(at_a[0].local_identity, "C=DE, CN=a");
  EXPECT_EQ(at_a[0].peer_identity, "C=DE, CN=b");
  const auto at_b = pair.b.engine.main_mode_sas(pair.now);
  ASSERT_EQ(at_b.size(), 1U);
  EXPECT_EQ(at_b[0].peer_identity, "C=DE, CN=a");
}

TEST_F(CertificateMainMode, AUC_02_ECDSA_signs_with_the_hash_of_its_curve_whatever_was_negotiated) {
  for (const char* key : {"ec:P-256", "ec:P-384", "ec:P-521"}) {
    for (const Integrity hash : {Integrity::kSha1, Integrity::kSha256, Integrity::kSha384}) {
      Pair fresh;
      fresh.wall_clock = kTestNow;
      options.main_mode_offers = {{Cipher::kAes128Cbc, hash, DhGroup::kCurve25519}};
      fresh.set_certificates(fresh.a, store_of({root.issue(named("CN=a", key))}, {root.certificate()}));
      fresh.set_certificates(fresh.b, store_of({root.issue(named("CN=b", key))}, {root.certificate()}));
      set_mirrored_policies(fresh, options);
      fresh.acquire(fresh.a, 1);
      fresh.run(std::chrono::seconds(5));
      EXPECT_EQ(fresh.a.driver.outbound.size(), 1U) << key << " " << info(hash).name;
      EXPECT_EQ(compare_sas(fresh), "");
    }
  }
}

TEST_F(CertificateMainMode, AUC_01_message_4_asks_for_a_certificate_and_nothing_of_identities_is_in_clear) {
  equip(root.issue(named("CN=initiator")), root.issue(named("CN=responder")));
  negotiate();
  expect_sas();
  ASSERT_GE(pair.sent.size(), 6U);
  const auto message4 = parse_clear_message(pair.sent[3].datagram.bytes);
  ASSERT_TRUE(message4.ok());
  const auto request = message4->chain.body_of(PayloadType::kCertificateRequest);
  EXPECT_EQ(Bytes(request.begin(), request.end()), write_request(root.certificate().subject().der()));
  const auto message3 = parse_clear_message(pair.sent[2].datagram.bytes);
  ASSERT_TRUE(message3.ok());
  EXPECT_TRUE(message3->chain.body_of(PayloadType::kCertificateRequest).empty()) << "it is in message 5";
  for (const SentDatagram& sent : pair.sent) {
    const std::string text(sent.datagram.bytes.begin(), sent.datagram.bytes.end());
    EXPECT_EQ(text.find("initiator"), std::string::npos);
    EXPECT_EQ(text.find("responder"), std::string::npos);
  }
}

TEST_F(CertificateMainMode, AUC_30_the_name_of_the_authority_can_be_left_out) {
  options.authorities[0].exclude_ca_name = true;
  equip(root.issue(named("CN=a")), root.issue(named("CN=b")));
  negotiate();
  expect_sas();
  const auto message4 = parse_clear_message(pair.sent[3].datagram.bytes);
  ASSERT_TRUE(message4.ok());
  const auto request = message4->chain.body_of(PayloadType::kCertificateRequest);
  EXPECT_EQ(Bytes(request.begin(), request.end()), Bytes{4});
}

TEST_F(CertificateMainMode, AUC_19_chains_with_intermediates_pass_also_in_fragments) {
  TestAuthority between(root, "CN=Between", "rsa:2048");
  pair.set_certificates(pair.a,
                        store_of({between.issue(named("CN=a"))}, {root.certificate()}, {between.certificate()}));
  pair.set_certificates(pair.b, store_of({root.issue(named("CN=b"))}, {root.certificate()}));
  // A way that carries no long datagrams.
  pair.wire = [](const SentDatagram& sent) {
    return sent.datagram.bytes.size() > 1400 ? Fate{} : Fate{std::chrono::milliseconds(1)};
  };
  negotiate();
  expect_sas();
}

TEST_F(CertificateMainMode, AUC_20_no_usable_certificate_is_named_with_its_reasons) {
  CertificateOptions expired = named("CN=a");
  expired.not_after = kTestNow - 1;
  equip(root.issue(expired), root.issue(named("CN=b")));
  negotiate();
  expect_failure(pair.a, "no_usable_certificate", "certificate has expired");
}

TEST_F(CertificateMainMode, AUC_20_without_any_certificate_nothing_is_offered) {
  pair.set_certificates(pair.b, store_of({root.issue(named("CN=b"))}, {root.certificate()}));
  negotiate();
  EXPECT_TRUE(pair.sent.empty());
  ASSERT_EQ(pair.a.driver.acquire_failures.size(), 1U);
  EXPECT_EQ(pair.a.driver.acquire_failures[0].reason, FailureReason::kNoCertificate);
  EXPECT_THAT(pair.a.driver.acquire_failures[0].text, HasSubstr("this host has none with a private key"));
}

TEST_F(CertificateMainMode, AUC_21_AUC_23_both_roles_refuse_what_they_cannot_trust) {
  TestAuthority other("CN=Other");
  options.authorities = {{"CN=Root", false, false}};
  const Issued foreign = other.issue(named("CN=foreign"));
  const Issued good = root.issue(named("CN=good"));
  for (const bool initiator_is_foreign : {true, false}) {
    Pair fresh;
    fresh.wall_clock = kTestNow;
    Host& bad = initiator_is_foreign ? fresh.a : fresh.b;
    Host& judge = initiator_is_foreign ? fresh.b : fresh.a;
    fresh.set_certificates(bad, store_of({foreign}, {root.certificate(), other.certificate()}));
    fresh.set_certificates(judge, store_of({good}, {root.certificate()}));
    PolicyOptions lax = options;
    lax.authorities = {{"CN=Other", false, false}, {"CN=Root", false, false}};
    fresh.set_policy(bad, make_policy(bad.endpoint.address, judge.endpoint.address, lax));
    fresh.set_policy(judge, make_policy(judge.endpoint.address, bad.endpoint.address, options));
    fresh.acquire(fresh.a, 1);
    fresh.run(std::chrono::seconds(300));
    EXPECT_TRUE(fresh.a.driver.outbound.empty());
    EXPECT_TRUE(judge.driver.outbound.empty());
    const ReportEvent* event = judge.find_event("certificate_refused");
    ASSERT_NE(event, nullptr);
    EXPECT_THAT(event->text, HasSubstr("CN=foreign"));
    EXPECT_THAT(event->text, HasSubstr("trust failed"));
    EXPECT_EQ(fresh.a.driver.acquire_failures.size(), 1U);
  }
}

TEST_F(CertificateMainMode, AUC_28_a_list_of_accounts_admits_one_of_two_computers) {
  options.authorities[0].map_to_account = true;
  const Issued b = root.issue(named("CN=b"));
  const auto outcome = [&](const char* list) {
    Pair fresh;
    fresh.wall_clock = kTestNow;
    CertificateStore of_a = store_of({root.issue(named("CN=a"))}, {root.certificate()});
    of_a.accounts = AccountList::parse("allow CN=b").value();
    CertificateStore of_b = store_of({b}, {root.certificate()});
    of_b.accounts = AccountList::parse(list).value();
    fresh.set_certificates(fresh.a, of_a);
    fresh.set_certificates(fresh.b, of_b);
    set_mirrored_policies(fresh, options);
    fresh.acquire(fresh.a, 1);
    fresh.run(std::chrono::seconds(300));
    return fresh.b.has_event("account_refused") ? std::string("refused")
           : fresh.b.driver.outbound.empty()    ? "nothing"
                                                : "admitted";
  };
  EXPECT_EQ(outcome("allow CN=a"), "admitted");
  EXPECT_EQ(outcome("allow CN=c"), "refused");
}

TEST_F(CertificateMainMode, CRL_02_CRL_03_CRL_11_revoked_and_unchecked_are_told_apart) {
  CertificateOptions of_a = named("CN=a");
  of_a.distribution_points = "URI:http://crl.example.org/root.crl";
  const Issued a = root.issue(of_a);
  equip(a, root.issue(named("CN=b")));
  pair.b.crls.lists = {root.revocation_list({a.certificate})};
  negotiate();
  expect_failure(pair.b, "certificate_revoked", "revoked: CN=a");

  Pair unchecked;
  unchecked.wall_clock = kTestNow;
  const Issued b = root.issue(named("CN=b"));
  unchecked.set_certificates(unchecked.a, store_of({a}, {root.certificate()}));
  unchecked.set_certificates(unchecked.b, store_of({b}, {root.certificate()}));
  set_mirrored_policies(unchecked, options);
  unchecked.acquire(unchecked.a, 1);
  unchecked.run(std::chrono::seconds(10));
  EXPECT_EQ(unchecked.a.driver.outbound.size(), 1U) << "level 1";
  EXPECT_EQ(unchecked.b.crls_wanted, std::vector<std::string>{"http://crl.example.org/root.crl"});
  const ReportEvent* accepted = unchecked.b.find_event("certificate_accepted");
  ASSERT_NE(accepted, nullptr);
  EXPECT_THAT(accepted->text, HasSubstr("could not be checked"));

  Pair strict;
  strict.wall_clock = kTestNow;
  strict.set_certificates(strict.a, store_of({a}, {root.certificate()}));
  strict.set_certificates(strict.b, store_of({b}, {root.certificate()}));
  strict.a.crls.lists = {root.revocation_list({})};
  set_mirrored_policies(strict, options);
  PolicyOptions level2 = options;
  level2.strong_crl_check = 2;
  level2.version = 2;
  strict.set_policy(strict.b, make_policy(strict.b.endpoint.address, strict.a.endpoint.address, level2));
  strict.acquire(strict.a, 1);
  strict.run(std::chrono::seconds(300));
  EXPECT_TRUE(strict.a.driver.outbound.empty());
  EXPECT_TRUE(strict.b.has_event("revocation_unknown"));
}

TEST_F(CertificateMainMode, PSK_01_a_preshared_key_is_taken_where_the_other_side_has_no_certificate) {
  pair.set_certificates(pair.a, store_of({root.issue(named("CN=a"))}, {root.certificate()}));
  IkePolicy of_a = make_policy(pair.a.endpoint.address, pair.b.endpoint.address);
  IkePolicy of_b = make_policy(pair.b.endpoint.address, pair.a.endpoint.address);
  of_a.main_mode_filters[0].authentication.insert(of_a.main_mode_filters[0].authentication.begin(),
                                                  CertificateMethod{"CN=Root", false, false});
  pair.set_policies(of_a, of_b);
  pair.acquire(pair.a, 1);
  pair.run(std::chrono::seconds(5));
  expect_sas();
  EXPECT_EQ(pair.b.engine.main_mode_sas(pair.now)[0].authentication, "Preshared key");
}

TEST_F(CertificateMainMode, AUC_33_a_changed_message_5_is_refused_and_a_repeated_one_answered_as_before) {
  equip(root.issue(named("CN=a")), root.issue(named("CN=b")));
  std::size_t encrypted = 0;
  pair.wire = [&](const SentDatagram& sent) {
    // Message 5 comes twice; the second finds its answer kept.
    const bool is_message5 = sent.from_a && sent.datagram.bytes[19] == 1 && ++encrypted == 1;
    return is_message5 ? Fate{std::chrono::milliseconds(1), std::chrono::milliseconds(200)}
                       : Fate{std::chrono::milliseconds(1)};
  };
  negotiate();
  expect_sas();
  EXPECT_EQ(pair.b.engine.statistics().main_modes, 1U);
  EXPECT_EQ(pair.b.engine.statistics().duplicates_answered, 1U);
}

TEST_F(CertificateMainMode, AUC_33_loss_repetition_and_disorder_do_no_harm) {
  equip(root.issue(named("CN=a", "ec:P-256")), root.issue(named("CN=b", "ec:P-256")));
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Pair lossy(seed);
    lossy.wall_clock = kTestNow;
    lossy.set_certificates(lossy.a, *pair.a.certificates);
    lossy.set_certificates(lossy.b, *pair.b.certificates);
    SeededRandom random(seed);
    lossy.wire = [&](const SentDatagram&) {
      Fate fate;
      if (random.chance(0.7)) fate.push_back(std::chrono::milliseconds(1 + static_cast<int>(random.below(300))));
      if (random.chance(0.2)) fate.push_back(std::chrono::milliseconds(1 + static_cast<int>(random.below(3000))));
      return fate;
    };
    set_mirrored_policies(lossy, options);
    lossy.acquire(lossy.a, 1);
    lossy.run(std::chrono::seconds(300));
    EXPECT_TRUE(lossy.a.driver.outbound.size() == 1 || lossy.a.driver.acquire_failures.size() == 1);
  }
}

TEST_F(CertificateMainMode, AUC_33_no_change_of_message_5_authenticates_anybody_else) {
  equip(root.issue(named("CN=a", "ec:P-256")), root.issue(named("CN=b", "ec:P-256")));
  for (std::size_t at = 28; at < 700; at += 23) {
    SCOPED_TRACE(at);
    Pair forged;
    forged.wall_clock = kTestNow;
    forged.set_certificates(forged.a, *pair.a.certificates);
    forged.set_certificates(forged.b, *pair.b.certificates);
    set_mirrored_policies(forged, options);
    bool changed = false;
    forged.wire = [&](const SentDatagram& sent) {
      if (!sent.from_a || sent.datagram.bytes[19] != 1 || changed) return Fate{std::chrono::milliseconds(1)};
      changed = true;
      Bytes octets = sent.datagram.bytes;
      if (at >= octets.size()) return Fate{};
      octets[at] ^= 0x40;
      forged.inject(forged.a, octets);
      return Fate{};
    };
    forged.acquire(forged.a, 1);
    forged.run(std::chrono::milliseconds(500));
    // HASH_I does not cover certificate requests and notifies (RFC 2409 section 5).
    for (const MainModeSaStatus& sa : forged.b.engine.main_mode_sas(forged.now)) {
      EXPECT_TRUE(sa.state != "established" || sa.peer_identity == "CN=a") << sa.peer_identity;
    }
  }
}

}  // namespace
}  // namespace ipsec::ike::tests
