#include "services/ike/shell/token_key.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/ike/certificates/openssl_x509.h"
#include "services/ike/certificates/signature.h"
#include "services/ike/shell/certificate_files.h"
#include "tests/ike/certificates/test_authority.h"

namespace ipsec::ike::tests {
namespace {

using testing::HasSubstr;

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

// A token of SoftHSM in a directory of its own.
class TokenKey : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(kModule, R_OK) != 0 || ::access("/usr/bin/softhsm2-util", X_OK) != 0)
      GTEST_SKIP() << "softhsm2 is not installed";
    std::string path = (std::filesystem::temp_directory_path() / "token-XXXXXX").string();
    directory_ = mkdtemp(path.data());
    std::filesystem::create_directories(directory_ + "/tokens");
    std::ofstream(directory_ + "/softhsm2.conf")
        << "directories.tokendir = " << directory_ << "/tokens\nlog.level = ERROR\n";
    setenv("SOFTHSM2_CONF", (directory_ + "/softhsm2.conf").c_str(), 1);
    TestAuthority root("CN=Root");
    issued_.emplace(root.issue({}));
    const X509Owner<BIO> out(BIO_new_file((directory_ + "/key.pem").c_str(), "w"));
    PEM_write_bio_PKCS8PrivateKey(out.get(), issued_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    BIO_flush(out.get());
    run("softhsm2-util --init-token --free --label ipsec --pin 1234 --so-pin 1234");
    run("softhsm2-util --import " + directory_ + "/key.pem --token ipsec --label host --id 01 --pin 1234");
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  static void run(const std::string& command) {
    ASSERT_EQ(std::system((command + " > /dev/null").c_str()), 0) << command;
  }
  static std::string uri(const std::string& object, const std::string& pin) {
    return "pkcs11:token=ipsec;object=" + object + ";type=private?module-path=" + kModule + "&pin-value=" + pin;
  }

  std::string directory_;
  std::optional<Issued> issued_;
};

TEST_F(TokenKey, AUC_04_AUC_05_a_token_signs_without_giving_its_key) {
  const auto key = token_key(uri("host", "1234"));
  ASSERT_TRUE(key.ok()) << key.status().message();
  EXPECT_EQ((*key)->provider(), "PKCS #11 token 'ipsec'");
  const Bytes hash(32, 7);
  const auto signature = sign(**key, SignatureMethod::kRsa, hash);
  ASSERT_TRUE(signature.ok()) << signature.status().message();
  EXPECT_TRUE(verify(issued_->certificate, SignatureMethod::kRsa, hash, *signature).ok());
  EXPECT_FALSE(verify(issued_->certificate, SignatureMethod::kRsa, Bytes(32, 8), *signature).ok());
}

TEST_F(TokenKey, AUC_04_a_file_with_its_URI_stands_in_the_certificate_directory) {
  std::filesystem::create_directories(directory_ + "/ike/own");
  const X509Owner<BIO> out(BIO_new_file((directory_ + "/ike/own/host.crt").c_str(), "w"));
  PEM_write_bio_X509(out.get(), issued_->certificate.get());
  BIO_flush(out.get());
  const std::string file = directory_ + "/ike/own/host.pkcs11";
  std::ofstream(file) << uri("host", "1234") << "\n";
  ::chmod(file.c_str(), 0600);
  const CertificateStore store = read_certificates_of({directory_ + "/ike", directory_ + "/ike"});
  EXPECT_THAT(store.problems, testing::IsEmpty());
  ASSERT_EQ(store.own.size(), 1U);
  ASSERT_NE(store.own[0].key, nullptr);
  EXPECT_EQ(store.own[0].key->provider(), "PKCS #11 token 'ipsec'");
}

TEST_F(TokenKey, AUC_04_the_PIN_may_stand_in_a_private_file) {
  const std::string file = directory_ + "/pin";
  std::ofstream(file) << "1234\n";
  ::chmod(file.c_str(), 0644);
  const std::string with_file =
      std::string("pkcs11:token=ipsec;object=host;type=private?module-path=") + kModule + "&pin-source=file:" + file;
  EXPECT_THAT(token_key(with_file).status().message(), HasSubstr("has mode 0644"));
  ::chmod(file.c_str(), 0600);
  const auto key = token_key(with_file);
  EXPECT_TRUE(key.ok()) << key.status().message();
}

TEST_F(TokenKey, AUC_05_what_is_missing_is_named_and_no_PIN) {
  const auto missing = token_key(uri("nobody", "1234"));
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.status().message(), HasSubstr("gives no such private key"));
  EXPECT_THAT(missing.status().message(), testing::Not(HasSubstr("1234")));
  EXPECT_THAT(token_key("file:/x").status().message(), HasSubstr("pkcs11:"));
}

}  // namespace
}  // namespace ipsec::ike::tests
