#include "services/ike/certificates/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ike/certificates/container.h"
#include "tests/ike/certificates/test_authority.h"

namespace ipsec::ike::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CertificateSelection : public testing::Test {
 protected:
  CertificateSelection() { terms.authorities = {{"CN=Root", false, false}}; }

  Selection select(const CertificateStore& store, const std::vector<Bytes>& requests = {}) const {
    return select_certificate(terms, requests, store, crls, kTestNow);
  }
  // The subject of what is chosen from these; "" where nothing is.
  std::string chosen(const std::vector<Issued>& own, const std::vector<Bytes>& requests = {}) {
    const CertificateStore store = store_of(own, {root.certificate(), other.certificate()});
    const Selection selection = select(store, requests);
    const Candidate* choice = selection.chosen();
    return choice != nullptr ? store.own[choice->place].certificate.subject().to_string() : "";
  }
  // What the first pass says about a single certificate.
  Verdict verdict(const Issued& issued, Check check) {
    const Selection selection = select(store_of({issued}, {root.certificate()}));
    for (const Verdict& one : selection.passes.front().candidates.front().verdicts) {
      if (one.check == check) return one;
    }
    ADD_FAILURE() << "no verdict";
    return {};
  }
  void expect_skipped(const Issued& bad, Check check, const std::string& text) {
    EXPECT_EQ(chosen({bad, good}), "CN=good");
    const Verdict one = verdict(bad, check);
    EXPECT_EQ(one.outcome, Outcome::kFailed);
    EXPECT_THAT(one.text, HasSubstr(text));
  }
  static CertificateOptions named(const std::string& subject) {
    CertificateOptions options;
    options.subject = subject;
    return options;
  }

  TestAuthority root{"CN=Root"};
  TestAuthority other{"CN=Other"};
  Issued good = root.issue(named("CN=good"));
  CertificateTerms terms;
  CrlSource crls;
};

TEST_F(CertificateSelection, AUC_06_roots_are_those_asked_for_that_the_policy_has_or_all_of_it) {
  terms.authorities.push_back({"CN=Other", false, false});
  const std::vector<Issued> own = {root.issue(named("CN=of root")), other.issue(named("CN=of other"))};
  EXPECT_EQ(chosen(own), "CN=of root");
  EXPECT_EQ(chosen(own, {write_request(other.certificate().subject().der())}), "CN=of other");
  TestAuthority unknown("CN=Unknown");
  const std::vector<Bytes> requests = {write_request(unknown.certificate().subject().der())};
  EXPECT_EQ(chosen(own, requests), "CN=of root") << "none of the names is known: the whole list";
  const auto selection = select(store_of(own, {root.certificate(), other.certificate()}), requests);
  EXPECT_THAT(selection.passes.front().roots, ElementsAre("CN=Root", "CN=Other"));
  EXPECT_EQ(chosen(own, {Bytes{4, 0x30}, Bytes{}, Bytes{4}}), "CN=of root") << "what is no name asks for nothing";
}

TEST_F(CertificateSelection, AUC_07_ike_intermediate_usage_comes_first_AUC_17_then_any) {
  CertificateOptions plain = named("CN=plain");
  plain.extended_key_usage.clear();
  CertificateOptions server = named("CN=server");
  server.extended_key_usage = "serverAuth";
  EXPECT_EQ(chosen({root.issue(plain), root.issue(server), good}), "CN=good");
  EXPECT_EQ(chosen({root.issue(plain), root.issue(server)}), "CN=plain");
  EXPECT_EQ(select(store_of({root.issue(plain)}, {root.certificate()})).passes.back().number, 2);
}

TEST_F(CertificateSelection, AUC_08_a_path_with_errors_is_skipped) {
  CertificateOptions expired = named("CN=expired");
  expired.not_after = kTestNow - 1;
  expect_skipped(root.issue(expired), Check::kTrust, "expired");
  CertificateOptions early = named("CN=early");
  early.not_before = kTestNow + 1;
  expect_skipped(root.issue(early), Check::kTrust, "not yet valid");
  expect_skipped(other.issue(named("CN=of other")), Check::kTrust, "issuer certificate");
  TestAuthority between(root, "CN=Between");
  const Issued far = between.issue(named("CN=far"));
  expect_skipped(far, Check::kTrust, "issuer certificate");
  const CertificateStore whole = store_of({far}, {root.certificate()}, {between.certificate()});
  EXPECT_NE(select(whole).chosen(), nullptr) << "with the intermediate it is fine";
}

TEST_F(CertificateSelection, AUC_09_a_root_is_no_end_certificate) {
  expect_skipped({root.certificate(), test_key("ec:P-256", "CN=Root")}, Check::kNotRootOnly, "root itself");
}

TEST_F(CertificateSelection, AUC_10_a_private_key_must_be_there) {
  expect_skipped({root.issue(named("CN=keyless")).certificate, nullptr}, Check::kPrivateKey, "no private key");
}

TEST_F(CertificateSelection, AUC_11_the_key_must_be_of_the_agreed_kind_and_RSA_with_profile_windows2003) {
  CertificateOptions elliptic = named("CN=elliptic");
  elliptic.key = "ec:P-256";
  const Issued ec = root.issue(elliptic);
  expect_skipped(ec, Check::kKeyKind, "EC P-256; the two sides agreed on RSA signature");
  terms.method = SignatureMethod::kEcdsa256;
  EXPECT_EQ(chosen({ec, good}), "CN=elliptic");
  terms.windows2003 = true;
  EXPECT_EQ(chosen({ec}), "");
  EXPECT_THAT(verdict(ec, Check::kKeyKind).text, HasSubstr("profile windows2003 accepts RSA"));
}

TEST_F(CertificateSelection, AUC_12_short_keys_are_skipped) {
  CertificateOptions options = named("CN=short");
  options.key = "rsa:512";
  const Issued half = root.issue(options);
  options.key = "rsa:1024";
  const Issued old = root.issue(options);
  expect_skipped(half, Check::kKeyLength, "RSA 512; at least 2048");
  expect_skipped(old, Check::kKeyLength, "RSA 1024; at least 2048");
  terms.windows2003 = true;
  expect_skipped(half, Check::kKeyLength, "RSA 512; at least 513");
  EXPECT_EQ(chosen({old}), "CN=short");
}

TEST_F(CertificateSelection, AUC_13_the_key_usage_must_have_digital_signature) {
  CertificateOptions options = named("CN=other usage");
  options.key_usage = "keyEncipherment";
  expect_skipped(root.issue(options), Check::kDigitalSignature, "lacks digitalSignature");
  options.key_usage.clear();
  EXPECT_EQ(chosen({root.issue(options)}), "CN=other usage") << "no key usage allows all (RFC 5280)";
  terms.windows2003 = true;
  expect_skipped(root.issue(options), Check::kDigitalSignature, "profile windows2003");
}

TEST_F(CertificateSelection, AUC_14_that_of_an_authority_is_skipped) {
  CertificateOptions options = named("CN=authority");
  options.authority = true;
  options.key_usage = "digitalSignature,keyCertSign";
  expect_skipped(root.issue(options), Check::kNotAuthority, "certification authority");
}

TEST_F(CertificateSelection, AUC_15_revoked_ones_are_skipped_at_levels_1_and_2) {
  const Issued bad = root.issue(named("CN=bad"));
  crls.lists = {root.revocation_list({bad.certificate})};
  expect_skipped(bad, Check::kRevocation, "revoked");
  terms.crl_level = 2;
  expect_skipped(bad, Check::kRevocation, "revoked");
  terms.crl_level = 0;
  EXPECT_EQ(chosen({bad, good}), "CN=bad");
}

TEST_F(CertificateSelection, AUC_16_every_candidate_has_a_verdict_for_every_check) {
  CertificateOptions expired = named("CN=expired");
  expired.not_after = kTestNow - 1;
  const Selection selection = select(store_of({root.issue(expired), good}, {root.certificate()}));
  ASSERT_EQ(selection.passes.size(), 1U);
  ASSERT_EQ(selection.passes[0].candidates.size(), 2U);
  for (const Candidate& candidate : selection.passes[0].candidates) EXPECT_EQ(candidate.verdicts.size(), 9U);
  EXPECT_FALSE(selection.passes[0].candidates[0].usable);
  EXPECT_TRUE(selection.passes[0].candidates[1].usable);
}

TEST_F(CertificateSelection, AUC_18_pass_3_takes_all_roots_where_the_list_was_a_subset) {
  terms.authorities.push_back({"CN=Other", false, false});
  const std::vector<Bytes> asks_for_other = {write_request(other.certificate().subject().der())};
  EXPECT_EQ(chosen({good}, asks_for_other), "CN=good");
  const CertificateStore store = store_of({good}, {root.certificate(), other.certificate()});
  EXPECT_EQ(select(store, asks_for_other).passes.size(), 3U);
  const CertificateStore crossed =
      store_of({good}, {root.certificate(), other.certificate()}, {root.cross_certified_by(other)});
  const Selection by_cross = select(crossed, asks_for_other);
  ASSERT_NE(by_cross.chosen(), nullptr);
  EXPECT_EQ(by_cross.passes.size(), 1U) << "the cross certificate leads to the root that was asked for";
}

TEST_F(CertificateSelection, AUC_19_intermediates_go_along_without_the_root) {
  TestAuthority between(root, "CN=Between");
  const Issued far = between.issue(named("CN=far"));
  const CertificateStore store = store_of({far}, {root.certificate()}, {between.certificate()});
  ProofRequest request;
  request.terms = terms;
  request.key = SecretBytes(32);
  const auto proof = prove(request, store, crls, kTestNow);
  const auto* proven = std::get_if<Proof>(&proof);
  ASSERT_NE(proven, nullptr);
  EXPECT_EQ(proven->certificates[0], 1) << "PKCS #7";
  const auto sent = read_certificates(std::vector<Bytes>{proven->certificates});
  ASSERT_TRUE(sent.ok()) << sent.status().message();
  EXPECT_THAT(*sent, ElementsAre(far.certificate, between.certificate()));
  const auto alone = prove(request, store_of({good}, {root.certificate()}), crls, kTestNow);
  ASSERT_TRUE(std::holds_alternative<Proof>(alone));
  EXPECT_EQ(std::get<Proof>(alone).certificates[0], 4) << "X.509, signature";
}

TEST_F(CertificateSelection, AUC_20_without_a_usable_certificate_the_refusal_says_why_each_was_refused) {
  CertificateOptions expired = named("CN=expired");
  expired.not_after = kTestNow - 1;
  ProofRequest request;
  request.terms = terms;
  request.terms.authorities.push_back({"CN=Nowhere", false, false});
  const auto proof = prove(request, store_of({root.issue(expired)}, {root.certificate()}), crls, kTestNow);
  const auto* refusal = std::get_if<Refusal>(&proof);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->why, Refused::kNoCertificate);
  EXPECT_THAT(refusal->text, HasSubstr("CN=expired"));
  EXPECT_THAT(refusal->text, HasSubstr("trust failed"));
  EXPECT_THAT(refusal->text, HasSubstr("certificate has expired"));
  EXPECT_THAT(refusal->text, HasSubstr("not in /certificates/roots: CN=Nowhere"));
}

TEST_F(CertificateSelection, AUC_30_names_that_are_excluded_leave_an_empty_request) {
  const CertificateSummary summary = summary_of(store_of({good}, {root.certificate(), other.certificate()}));
  EXPECT_THAT(certificate_requests(summary, {{"CN=Root", false, false}}),
              ElementsAre(write_request(root.certificate().subject().der())));
  EXPECT_THAT(certificate_requests(summary, {{"CN=Root", false, true}}), ElementsAre(Bytes{4}));
  EXPECT_THAT(certificate_requests(summary, {{"CN=Nowhere", false, false}}), ElementsAre(Bytes{4}));
}

TEST_F(CertificateSelection, AUC_31_a_failure_with_several_roots_hints_at_excluded_names) {
  terms.authorities.push_back({"CN=Other", false, false});
  ProofRequest request;
  request.terms = terms;
  request.requests = {Bytes{4}};
  const auto proof = prove(request, store_of({}, {root.certificate(), other.certificate()}), crls, kTestNow);
  ASSERT_TRUE(std::holds_alternative<Refusal>(proof));
  EXPECT_THAT(std::get<Refusal>(proof).text, HasSubstr("excludecaname"));
}

}  // namespace
}  // namespace ipsec::ike::tests
