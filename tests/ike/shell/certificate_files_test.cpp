#include "services/ike/shell/certificate_files.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>

#include "services/ike/certificates/openssl_x509.h"
#include "tests/ike/certificates/test_authority.h"

namespace ipsec::ike::tests {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class CertificateFiles : public testing::Test {
 protected:
  CertificateFiles() {
    std::string path = (std::filesystem::temp_directory_path() / "certificates-XXXXXX").string();
    directory_ = mkdtemp(path.data());
    for (const char* folder : {"own", "roots", "intermediates", "crls"})
      std::filesystem::create_directories(directory_ + "/" + folder);
  }
  ~CertificateFiles() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }
  static std::string drain(BIO* out) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    return {data, static_cast<std::size_t>(size)};
  }
  static std::string pem(const Certificate& certificate) {
    const X509Owner<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(out.get(), certificate.get());
    return drain(out.get());
  }
  static std::string pem(const TestKey& key, const char* password = nullptr) {
    const X509Owner<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), password != nullptr ? EVP_aes_128_cbc() : nullptr, password,
                                  password != nullptr ? static_cast<int>(std::strlen(password)) : 0, nullptr, nullptr);
    return drain(out.get());
  }
  static std::string pkcs12(const Issued& issued, const Certificate& between, const char* password) {
    const X509Owner<STACK_OF(X509)> others(sk_X509_new_null());
    sk_X509_push(others.get(), between.get());
    PKCS12* made =
        PKCS12_create(password, "host", issued.key.get(), issued.certificate.get(), others.get(), 0, 0, 0, 0, 0);
    const X509Owner<BIO> out(BIO_new(BIO_s_mem()));
    i2d_PKCS12_bio(out.get(), made);
    PKCS12_free(made);
    return drain(out.get());
  }
  CertificateStore read() const { return read_certificates_of({directory_, directory_}); }

  std::string directory_;
  TestAuthority root_{"CN=Root"};
  TestAuthority between_{root_, "CN=Between"};
  Issued issued_ = between_.issue({});
};

TEST_F(CertificateFiles, AUC_32_PEM_with_the_key_in_the_same_file_or_in_another) {
  write("own/host.pem", pem(issued_.certificate) + pem(between_.certificate()) + pem(issued_.key));
  write("roots/root.crt", pem(root_.certificate()), 0644);
  CertificateStore store = read();
  EXPECT_THAT(store.problems, IsEmpty());
  ASSERT_EQ(store.own.size(), 1U);
  EXPECT_EQ(store.own[0].certificate, issued_.certificate);
  ASSERT_NE(store.own[0].key, nullptr);
  EXPECT_EQ(store.own[0].key->provider(), "software");
  ASSERT_EQ(store.intermediates.size(), 1U) << "the rest of the file is for the path";
  ASSERT_EQ(store.roots.size(), 1U);

  write("own/host.pem", pem(issued_.certificate), 0644);
  write("own/host.key", pem(issued_.key));
  store = read();
  EXPECT_THAT(store.problems, IsEmpty());
  ASSERT_EQ(store.own.size(), 1U);
  EXPECT_NE(store.own[0].key, nullptr);
}

TEST_F(CertificateFiles, AUC_32_DER_and_PKCS12_with_its_password_beside_it) {
  const Bytes der = root_.certificate().der();
  write("roots/root.der", std::string(der.begin(), der.end()));
  write("own/host.p12", pkcs12(issued_, between_.certificate(), "geheim"));
  EXPECT_THAT(read().problems, Contains(HasSubstr("own/host.p12 holds neither a certificate")));
  write("own/host.p12.password", "geheim\n");
  const CertificateStore store = read();
  EXPECT_THAT(store.problems, IsEmpty());
  ASSERT_EQ(store.roots.size(), 1U);
  ASSERT_EQ(store.own.size(), 1U);
  EXPECT_EQ(store.own[0].certificate, issued_.certificate);
  EXPECT_NE(store.own[0].key, nullptr);
  EXPECT_EQ(store.intermediates.size(), 1U);
}

TEST_F(CertificateFiles, AUC_32_an_encrypted_key_and_its_password) {
  write("own/host.crt", pem(issued_.certificate));
  write("own/host.key", pem(issued_.key, "geheim"));
  EXPECT_THAT(read().problems, Contains(HasSubstr("own/host.key")));
  write("own/host.key.password", "geheim", 0644);
  EXPECT_THAT(read().problems, Contains(HasSubstr("own/host.key.password has mode 0644")));
  write("own/host.key.password", "geheim");
  const CertificateStore store = read();
  EXPECT_THAT(store.problems, IsEmpty());
  ASSERT_EQ(store.own.size(), 1U);
  EXPECT_NE(store.own[0].key, nullptr);
}

TEST_F(CertificateFiles, AUC_10_a_key_that_others_may_read_is_refused_by_name) {
  write("own/host.pem", pem(issued_.certificate) + pem(issued_.key));
  for (const mode_t mode : {0640, 0604, 0660}) {
    chmod((directory_ + "/own/host.pem").c_str(), mode);
    const CertificateStore store = read();
    EXPECT_THAT(store.own, IsEmpty());
    EXPECT_THAT(store.problems, Contains(HasSubstr(directory_ + "/own/host.pem has mode")));
    EXPECT_THAT(store.problems, Contains(HasSubstr("0600, or 0640 with the group policyagent-ike, is accepted")));
  }
}

TEST_F(CertificateFiles, AUC_21_roots_and_accounts_that_others_may_write_are_refused) {
  write("roots/root.pem", pem(root_.certificate()), 0664);
  write("accounts", "allow CN=a\n", 0666);
  CertificateStore store = read();
  EXPECT_THAT(store.roots, IsEmpty());
  EXPECT_FALSE(store.accounts);
  EXPECT_EQ(store.problems.size(), 2U);
  write("accounts", "allow CN=a\nnobody\n", 0644);
  store = read();
  EXPECT_THAT(store.problems, Contains(HasSubstr("accounts line 2")));
  write("accounts", "allow CN=a\n", 0644);
  EXPECT_TRUE(read().accounts);
}

TEST_F(CertificateFiles, CRL_02_local_lists_in_DER_and_PEM) {
  const Crl list = root_.revocation_list({issued_.certificate});
  const X509Owner<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(out.get(), list.get());
  write("crls/root.pem", drain(out.get()), 0644);
  const X509Owner<BIO> der(BIO_new(BIO_s_mem()));
  i2d_X509_CRL_bio(der.get(), list.get());
  write("crls/root.crl", drain(der.get()), 0644);
  write("crls/bad.crl", "no list", 0644);
  const CertificateStore store = read();
  EXPECT_EQ(store.lists.size(), 2U);
  EXPECT_THAT(store.problems, testing::ElementsAre(HasSubstr("crls/bad.crl is not a CRL")));
}

TEST_F(CertificateFiles, AUC_32_what_is_of_no_use_is_named_and_leaves_the_rest) {
  write("own/good.pem", pem(issued_.certificate) + pem(issued_.key));
  write("own/noise.pem", std::string(3000, '\xff'));
  write("own/empty.pem", "");
  write("own/huge.pem", std::string(2 * 1024 * 1024, 'x'));
  write("own/lonely.key", pem(test_key("ec:P-384", "lonely")));
  std::filesystem::create_directory(directory_ + "/own/folder");
  std::filesystem::create_symlink("/dev/zero", directory_ + "/own/zero");
  write("own/bad.pkcs11", "not a URI");
  write("roots/noise.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const CertificateStore store = read();
  EXPECT_EQ(store.own.size(), 1U);
  EXPECT_EQ(store.problems.size(), 8U) << testing::PrintToString(store.problems);
  EXPECT_THAT(store.problems, Contains(HasSubstr("lonely.key holds a private key that belongs to no certificate")));
  EXPECT_THAT(store.problems, Contains(HasSubstr("bad.pkcs11 holds no URI")));
}

TEST_F(CertificateFiles, AUC_03_a_directory_that_is_not_there_is_an_empty_store) {
  const CertificateStore store = read_certificates_of({directory_ + "/nowhere", directory_ + "/nowhere"});
  EXPECT_THAT(store.own, IsEmpty());
  EXPECT_THAT(store.problems, IsEmpty());
}

}  // namespace
}  // namespace ipsec::ike::tests
