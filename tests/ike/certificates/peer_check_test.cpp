#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/hash.h"
#include "services/ike/certificates/authentication.h"
#include "services/ike/certificates/container.h"
#include "services/ike/certificates/identity_match.h"
#include "services/ike/certificates/signature.h"
#include "services/ike/wire/identity.h"
#include "tests/ike/certificates/test_authority.h"

namespace ipsec::ike::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPoint = "http://crl.example.org/root.crl";

class PeerCertificate : public testing::Test {
 protected:
  PeerCertificate() {
    terms.authorities = {{"CN=Root", false, false}};
    terms.rule_name = "rule";
    options.subject = "CN=peer";
  }

  PeerClaim claim_of(const Issued& issued, std::vector<Certificate> chain = {}) const {
    PeerClaim claim;
    claim.terms = terms;
    const auto identity = identity_of(issued.certificate);
    if (identity.ok()) claim.identity = *identity;
    chain.insert(chain.begin(), issued.certificate);
    claim.certificates = {write_certificates(chain)};
    claim.hash = hash(Integrity::kSha256, {as_bytes("what was said")});
    const auto signature = sign(*issued.private_key(), terms.method, claim.hash);
    EXPECT_TRUE(signature.ok()) << signature.status().message();
    claim.signature = *signature;
    return claim;
  }
  std::variant<ProvenPeer, Refusal, CrlsWanted> check(const PeerClaim& claim) const {
    return verify_peer(claim, store, crls, kTestNow);
  }
  // "" where the peer is accepted.
  std::string refusal(const PeerClaim& claim) const {
    const auto result = check(claim);
    if (const auto* refused = std::get_if<Refusal>(&result)) return refused->text;
    return std::holds_alternative<ProvenPeer>(result) ? "" : "lists are wanted";
  }
  void expect_refused(const PeerClaim& claim, Refused why, const std::string& text) const {
    const auto result = check(claim);
    const auto* refused = std::get_if<Refusal>(&result);
    ASSERT_NE(refused, nullptr) << text;
    EXPECT_EQ(refused->why, why) << refused->text;
    EXPECT_THAT(refused->text, HasSubstr(text));
  }

  TestAuthority root{"CN=Root"};
  TestAuthority other{"CN=Other"};
  CertificateStore store = store_of({}, {root.certificate(), other.certificate()});
  CertificateOptions options;
  CertificateTerms terms;
  CrlSource crls;
};

TEST_F(PeerCertificate, AUC_02_a_good_one_is_accepted_by_RSA_and_ECDSA) {
  EXPECT_EQ(refusal(claim_of(root.issue(options))), "");
  const std::pair<const char*, SignatureMethod> curves[] = {{"ec:P-256", SignatureMethod::kEcdsa256},
                                                            {"ec:P-384", SignatureMethod::kEcdsa384},
                                                            {"ec:P-521", SignatureMethod::kEcdsa521}};
  for (const auto& [key, method] : curves) {
    options.key = key;
    terms.method = method;
    EXPECT_EQ(refusal(claim_of(root.issue(options))), "") << key;
  }
}

TEST_F(PeerCertificate, AUC_21_the_path_must_reach_a_root_of_the_policy) {
  expect_refused(claim_of(other.issue(options)), Refused::kNotTrusted, "trust failed");
  expect_refused(claim_of(TestAuthority("CN=Stranger").issue(options)), Refused::kNotTrusted, "issuer certificate");
  terms.authorities.push_back({"CN=Other", false, false});
  EXPECT_EQ(refusal(claim_of(other.issue(options))), "");
}

TEST_F(PeerCertificate, AUC_21_the_order_in_which_a_policy_writes_a_name_does_not_matter) {
  TestAuthority long_name("C=DE, O=\"Big, Corp\", CN=Root of all");
  store.roots.push_back({long_name.certificate(), "roots/long.pem"});
  for (const char* text :
       {"C=DE, O=\"Big, Corp\", CN=Root of all", "CN=root OF all,O=Big\\, Corp,C=de", "Root of all"}) {
    terms.authorities = {{text, false, false}};
    EXPECT_EQ(refusal(claim_of(long_name.issue(options))), "") << text;
  }
  terms.authorities = {{"C=DE, CN=Root of all", false, false}};
  EXPECT_NE(refusal(claim_of(long_name.issue(options))), "");
}

TEST_F(PeerCertificate, AUC_22_the_identity_must_be_a_name_of_the_certificate) {
  options.subject = "C=DE, CN=peer";
  options.alternative_names =
      "DNS:peer.example.org,DNS:*.wild.example.org,email:ike@example.org,IP:10.0.0.2,IP:fd00::2";
  PeerClaim claim = claim_of(root.issue(options));
  const auto text = [](IdentityType type, std::string_view value) {
    return IdentificationPayload{type, 0, 0, Bytes(value.begin(), value.end())};
  };
  const IdentificationPayload right[] = {claim.identity,
                                         text(IdentityType::kFqdn, "peer.example.org"),
                                         text(IdentityType::kFqdn, "PEER.example.org"),
                                         text(IdentityType::kUserFqdn, "ike@example.org"),
                                         address_identity(*IpAddress::parse("10.0.0.2")),
                                         address_identity(*IpAddress::parse("fd00::2"))};
  for (const auto& identity : right) {
    claim.identity = identity;
    EXPECT_EQ(refusal(claim), "") << identity_text(identity);
  }
  const IdentificationPayload wrong[] = {
      {IdentityType::kDistinguishedName, 0, 0, DistinguishedName::from_text("C=DE, CN=other")->der()},
      {IdentityType::kDistinguishedName, 0, 0, {0x30, 0x00}},
      {IdentityType::kDistinguishedName, 0, 0, {1, 2, 3}},
      text(IdentityType::kFqdn, "other.example.org"),
      text(IdentityType::kFqdn, "a.wild.example.org"),
      text(IdentityType::kFqdn, std::string_view("peer.example.org\0.evil.org", 26)),
      text(IdentityType::kFqdn, ""),
      text(IdentityType::kUserFqdn, "root@example.org"),
      text(IdentityType::kKeyId, "peer"),
      address_identity(*IpAddress::parse("10.0.0.3"))};
  for (const auto& identity : wrong) {
    claim.identity = identity;
    expect_refused(claim, Refused::kIdentity, "identity failed: the peer calls itself");
    EXPECT_THAT(refusal(claim), HasSubstr("DNS:peer.example.org")) << "both values";
  }
}

TEST_F(PeerCertificate, AUC_23_any_trust_error_fails_the_peer) {
  options.not_after = kTestNow - 1;
  expect_refused(claim_of(root.issue(options)), Refused::kNotTrusted, "certificate has expired");
  options.not_after = kTestNow + 2;
  options.not_before = kTestNow + 1;
  expect_refused(claim_of(root.issue(options)), Refused::kNotTrusted, "not yet valid");
}

TEST_F(PeerCertificate, AUC_23_a_missing_intermediate_fails_the_peer) {
  TestAuthority between(root, "CN=Between");
  const Issued far = between.issue(options);
  expect_refused(claim_of(far), Refused::kNotTrusted, "unable to get local issuer certificate");
  EXPECT_EQ(refusal(claim_of(far, {between.certificate()})), "");
  store.intermediates = {between.certificate()};
  EXPECT_EQ(refusal(claim_of(far)), "") << "it may also be in the store";
}

TEST_F(PeerCertificate, AUC_23_an_end_certificate_issues_nothing) {
  CertificateOptions end = options;
  end.key = "ec:P-256";
  end.key_label = "CN=Fake";
  end.subject = "CN=Fake";
  const Issued issuer = root.issue(end);
  TestAuthority fake("CN=Fake");  // a root of that name
  expect_refused(claim_of(fake.issue(options), {issuer.certificate}), Refused::kNotTrusted, "trust failed");
}

TEST_F(PeerCertificate, AUC_23_a_root_by_itself_is_refused) {
  const Issued itself{root.certificate(), test_key("ec:P-256", "CN=Root")};
  terms.method = SignatureMethod::kEcdsa256;
  expect_refused(claim_of(itself), Refused::kNotTrusted, "not_root_only failed");
  EXPECT_THAT(refusal(claim_of(itself)), HasSubstr("not_authority failed"));
}

TEST_F(PeerCertificate, AUC_25_length_and_usage_of_the_key) {
  options.key = "rsa:1024";
  expect_refused(claim_of(root.issue(options)), Refused::kNotTrusted, "key_length failed: RSA 1024");
  options.key = "rsa:2048";
  options.key_usage = "keyEncipherment";
  expect_refused(claim_of(root.issue(options)), Refused::kNotTrusted, "digital_signature failed");
  options.key_usage = "digitalSignature";
  options.authority = true;
  expect_refused(claim_of(root.issue(options)), Refused::kNotTrusted, "not_authority failed");
  options.authority = false;
  PeerClaim claim = claim_of(root.issue(options));
  claim.terms.method = SignatureMethod::kEcdsa256;
  expect_refused(claim, Refused::kNotTrusted, "key_kind failed");
}

TEST_F(PeerCertificate, AUC_33_the_signature_must_be_made_with_the_key_of_the_certificate) {
  PeerClaim claim = claim_of(root.issue(options));
  claim.hash[0] ^= 1;
  expect_refused(claim, Refused::kSignature, "signature failed");
  claim.hash[0] ^= 1;
  claim.signature.back() ^= 1;
  expect_refused(claim, Refused::kSignature, "signature failed");
  claim.signature.clear();
  expect_refused(claim, Refused::kSignature, "signature failed");
  options.key = "ec:P-256";
  terms.method = SignatureMethod::kEcdsa256;
  claim = claim_of(root.issue(options));
  claim.signature.push_back(0);
  expect_refused(claim, Refused::kSignature, "r and s have 64");
}

TEST_F(PeerCertificate, AUC_26_to_AUC_29_only_whom_the_list_of_accounts_allows) {
  terms.authorities = {{"CN=Root", true, false}};
  options.alternative_names = "DNS:a.example.org,IP:10.0.0.2";
  const PeerClaim claim = claim_of(root.issue(options));
  expect_refused(claim, Refused::kAccount, "no readable list of accounts");
  const auto list = [&](std::string_view text) { store.accounts = AccountList::parse(text).value(); };
  for (const char* allowed : {"allow CN=peer", "# a comment\n\nallow a.example.org\n", "allow 10.0.0.2\r\n"}) {
    list(allowed);
    EXPECT_EQ(refusal(claim), "") << allowed;
  }
  list("allow CN=somebody\nallow b.example.org");
  expect_refused(claim, Refused::kAccount, "account failed: CN=peer");
  list("allow a.example.org\ndeny CN=peer");
  expect_refused(claim, Refused::kAccount, "denies 'CN=peer'");
  EXPECT_THAT(AccountList::parse("allow a\nadmit b").status().message(), HasSubstr("line 2"));
  EXPECT_FALSE(AccountList::parse("allow").ok());
  EXPECT_FALSE(AccountList::parse("allow CN=a, XX=b").ok());
}

TEST_F(PeerCertificate, CRL_01_level_0_checks_nothing) {
  terms.crl_level = 0;
  options.distribution_points = "URI:" + std::string(kPoint);
  const Issued revoked = root.issue(options);
  crls.lists = {root.revocation_list({revoked.certificate})};
  EXPECT_EQ(refusal(claim_of(revoked)), "");
}

TEST_F(PeerCertificate, CRL_02_level_1_refuses_what_is_revoked_and_accepts_what_cannot_be_checked) {
  options.distribution_points = "URI:" + std::string(kPoint);
  const Issued peer = root.issue(options);
  const auto wanted = check(claim_of(peer));
  ASSERT_TRUE(std::holds_alternative<CrlsWanted>(wanted));
  EXPECT_THAT(std::get<CrlsWanted>(wanted).points, ElementsAre(kPoint));
  crls.unavailable[std::string(kPoint)] = "no answer within 15 s";
  const auto accepted = check(claim_of(peer));
  ASSERT_TRUE(std::holds_alternative<ProvenPeer>(accepted));
  EXPECT_THAT(std::get<ProvenPeer>(accepted).note, HasSubstr("no answer within 15 s"));
  crls.lists = {root.revocation_list({peer.certificate})};
  expect_refused(claim_of(peer), Refused::kRevoked, "revocation failed: revoked: CN=peer");
}

TEST_F(PeerCertificate, CRL_03_level_2_refuses_on_any_error) {
  terms.crl_level = 2;
  expect_refused(claim_of(root.issue(options)), Refused::kRevocationUnknown, "names no distribution point");
  options.distribution_points = "URI:" + std::string(kPoint);
  const Issued peer = root.issue(options);
  crls.unavailable[std::string(kPoint)] = "connection refused";
  expect_refused(claim_of(peer), Refused::kRevocationUnknown, "connection refused");
  crls.lists = {root.revocation_list({})};
  EXPECT_EQ(refusal(claim_of(peer)), "");
  crls.lists = {root.revocation_list({}, kTestNow - 2 * kDay, kTestNow - kDay)};
  expect_refused(claim_of(peer), Refused::kRevocationUnknown, "CRL has expired");
  crls.lists = {TestAuthority("CN=Root", "ec:P-384").revocation_list({})};
  expect_refused(claim_of(peer), Refused::kRevocationUnknown, "unable to get certificate CRL");
  options.distribution_points = "URI:ldap://directory.example.org/CN=Root";
  crls.lists.clear();
  expect_refused(claim_of(root.issue(options)), Refused::kRevocationUnknown, "only http is spoken here");
}

// Whoever is on the way to a distribution point can answer with a list of the issuer's name.
TEST_F(PeerCertificate, CRL_07_a_list_that_the_issuer_has_not_signed_says_nothing) {
  const Issued peer = root.issue(options);
  const TestAuthority forger("CN=Root", "ec:P-384");
  terms.crl_level = 1;
  crls.lists = {forger.revocation_list({peer.certificate})};
  EXPECT_EQ(refusal(claim_of(peer)), "") << "it revokes nothing";
  crls.lists = {root.revocation_list({peer.certificate}, kTestNow - 2 * kDay), forger.revocation_list({})};
  expect_refused(claim_of(peer), Refused::kRevoked, "revoked: CN=peer");
}

TEST_F(PeerCertificate, CRL_03_intermediates_are_checked_too) {
  TestAuthority between(root, "CN=Between");
  const PeerClaim claim = claim_of(between.issue(options), {between.certificate()});
  terms.crl_level = 2;
  crls.lists = {root.revocation_list({between.certificate()}), between.revocation_list({})};
  expect_refused(claim, Refused::kRevoked, "revoked: CN=Between");
}

TEST_F(PeerCertificate, CRL_08_a_list_that_runs_is_not_fetched_anew) {
  options.distribution_points = "URI:" + std::string(kPoint);
  const Issued peer = root.issue(options);
  crls.lists = {root.revocation_list({})};
  EXPECT_EQ(refusal(claim_of(peer)), "") << "no list is wanted";
  EXPECT_TRUE(crls.lists.front().is_current(kTestNow));
  EXPECT_FALSE(crls.lists.front().is_current(kTestNow + 2 * kDay));
  EXPECT_FALSE(root.revocation_list({}, kTestNow - kDay, 0).is_current(kTestNow));
  crls.lists = {root.revocation_list({}, kTestNow - 2 * kDay, kTestNow - kDay)};
  EXPECT_TRUE(std::holds_alternative<CrlsWanted>(check(claim_of(peer)))) << "an expired one is";
}

TEST_F(PeerCertificate, CRL_06_nothing_is_fetched_for_a_certificate_that_is_refused_anyway) {
  options.distribution_points = "URI:" + std::string(kPoint);
  EXPECT_THAT(refusal(claim_of(other.issue(options))), HasSubstr("trust failed"));
  PeerClaim claim = claim_of(root.issue(options));
  claim.signature.back() ^= 1;
  EXPECT_THAT(refusal(claim), HasSubstr("signature failed"));
}

TEST_F(PeerCertificate, AUC_33_payloads_that_are_no_certificates_are_refused) {
  PeerClaim claim = claim_of(root.issue(options));
  const std::vector<Bytes> bodies[] = {{},
                                       {{}},
                                       {{4}},
                                       {{4, 0x30, 0x03, 1, 2, 3}},
                                       {{1, 0x30, 0x00}},
                                       {{7, 1, 2}},
                                       std::vector<Bytes>(17, claim.certificates[0])};
  for (const auto& body : bodies) {
    claim.certificates = body;
    expect_refused(claim, Refused::kMalformed, "");
  }
  claim = claim_of(root.issue(options));
  claim.certificates[0].push_back(0);
  expect_refused(claim, Refused::kMalformed, "not a DER X.509 certificate");
  claim = claim_of(root.issue(options));
  claim.certificates.push_back({7, 1, 2, 3});
  EXPECT_EQ(refusal(claim), "") << "a CRL beside it is passed over";
}

TEST_F(PeerCertificate, AUC_33_single_certificates_and_PKCS7_with_the_end_certificate_anywhere) {
  TestAuthority between(root, "CN=Between");
  const Issued far = between.issue(options);
  PeerClaim claim = claim_of(far);
  claim.certificates = {write_certificates({between.certificate(), far.certificate})};
  EXPECT_EQ(refusal(claim), "");
  claim.certificates = {write_certificates({far.certificate}), write_certificates({between.certificate()})};
  EXPECT_EQ(refusal(claim), "");
}

TEST(RevocationLists, CRL_11_what_is_none_is_refused) {
  EXPECT_THAT(Crl::parse({}).status().message(), HasSubstr("no CRL"));
  EXPECT_THAT(Crl::parse(Bytes{0x30, 0x00}).status().message(), HasSubstr("not a CRL"));
  EXPECT_FALSE(Crl::parse(as_bytes("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")).ok());
}

TEST(DistinguishedNames, AUC_22_are_read_as_policies_write_them) {
  EXPECT_EQ(DistinguishedName::from_text("c=US,s=WA, o=\"A, B\" , cn= a b ")->to_string(),
            "C=US, ST=WA, O=\"A, B\", CN=a b");
  EXPECT_EQ(DistinguishedName::from_text("CN=a\\,b,E=x@y,2.5.4.5=7")->to_string(),
            "CN=\"a,b\", emailAddress=x@y, serialNumber=7");
  for (const char* text : {"", "CN", "XX=1", "CN=\"a", "=a", "C=Germany"}) {
    EXPECT_FALSE(DistinguishedName::from_text(text).ok()) << text;
  }
  EXPECT_FALSE(DistinguishedName::from_der(Bytes{0x30, 0x00, 0x00}).ok()) << "something behind it";
}

}  // namespace
}  // namespace ipsec::ike::tests
