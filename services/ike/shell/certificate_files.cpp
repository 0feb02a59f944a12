#include "services/ike/shell/certificate_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"
#include "services/ike/shell/limits.h"
#include "services/ike/shell/secret_file.h"
#include "services/ike/shell/token_key.h"

namespace ipsec::ike {

namespace {

constexpr std::string_view kPassword = ".password";
constexpr std::string_view kToken = ".pkcs11";

Status check_not_writable(mode_t mode) {
  if ((mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return refused(fmt::format(
      "has mode {:04o}: what decides whom to trust may be written by its owner alone (chmod go-w)", mode & 07777));
}

// The passphrase of a file, for OpenSSL.
int give_password(char* buffer, int size, int, void* data) {
  const auto* password = static_cast<const SecretBytes*>(data);
  if (password->size() > static_cast<std::size_t>(size)) return -1;
  std::copy(password->view().begin(), password->view().end(), buffer);
  return static_cast<int>(password->size());
}

struct FreeStore {
  void operator()(OSSL_STORE_CTX* store) const { OSSL_STORE_close(store); }
  void operator()(OSSL_STORE_INFO* item) const { OSSL_STORE_INFO_free(item); }
  void operator()(UI_METHOD* method) const { UI_destroy_method(method); }
};

struct Found {
  std::vector<Certificate> certificates;
  std::vector<KeyOwner> keys;
  std::vector<Crl> lists;
};

// Everything in PEM, DER or PKCS #12.
Found items_of(const FileContent& file, SecretBytes password) {
  Found found;
  // OpenSSL makes no BIO of nothing.
  if (file.octets.empty()) return found;
  const X509Owner<BIO> in(BIO_new_mem_buf(file.octets.view().data(), static_cast<int>(file.octets.size())));
  const std::unique_ptr<UI_METHOD, FreeStore> ui(UI_UTIL_wrap_read_pem_callback(give_password, 0));
  require(in && ui);
  const std::unique_ptr<OSSL_STORE_CTX, FreeStore> store(
      OSSL_STORE_attach(in.get(), "file", nullptr, nullptr, ui.get(), &password, nullptr, nullptr, nullptr));
  while (store && OSSL_STORE_eof(store.get()) == 0) {
    const std::unique_ptr<OSSL_STORE_INFO, FreeStore> item(OSSL_STORE_load(store.get()));
    if (!item) {
      if (OSSL_STORE_error(store.get()) == 1) break;
      continue;
    }
    switch (OSSL_STORE_INFO_get_type(item.get())) {
      case OSSL_STORE_INFO_CERT:
        found.certificates.push_back(Certificate::of(OSSL_STORE_INFO_get0_CERT(item.get())));
        break;
      case OSSL_STORE_INFO_PKEY:
        found.keys.emplace_back(OSSL_STORE_INFO_get1_PKEY(item.get()));
        break;
      case OSSL_STORE_INFO_CRL:
        found.lists.push_back(Crl::of(OSSL_STORE_INFO_get0_CRL(item.get())));
        break;
      default:
        break;
    }
  }
  ERR_clear_error();
  return found;
}

class Reader {
 public:
  explicit Reader(const Place& directory) : path_(directory.path) { store_.directory = directory.name; }

  CertificateStore run() {
    for_each("own", [this](const std::string& name, const std::string& path) { take_own(name, path); });
    for_each("roots", [this](const std::string& name, const std::string& path) {
      for (Certificate& each : certificates_of(name, path)) store_.roots.push_back({std::move(each), name});
    });
    for_each("intermediates", [this](const std::string& name, const std::string& path) {
      for (Certificate& each : certificates_of(name, path)) store_.intermediates.push_back(std::move(each));
    });
    for_each("crls", [this](const std::string& name, const std::string& path) { take_list(name, path); });
    read_accounts();
    pair_keys();
    return std::move(store_);
  }

 private:
  struct LooseKey {
    std::shared_ptr<const PrivateKey> key;
    std::string file;
    bool used = false;
  };

  void complain(const std::string& name, const std::string& text) {
    store_.problems.push_back(fmt::format("{}/{} {}", store_.directory, name, text));
  }

  template <typename Take>
  void for_each(const std::string& folder, Take take) {
    std::error_code error;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_ + "/" + folder, error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with('.')) names.push_back(name);
    }
    if (error && error != std::errc::no_such_file_or_directory)
      complain(folder, fmt::format("cannot be read: {}", error.message()));
    std::sort(names.begin(), names.end());
    if (names.size() > kMaxCertificateFiles) {
      complain(folder, fmt::format("has more than {} files; the rest is not used", kMaxCertificateFiles));
      names.resize(kMaxCertificateFiles);
    }
    for (const std::string& name : names) take(folder + "/" + name, path_ + "/" + folder + "/" + name);
  }

  // Empty where there is none, or it must not be used.
  SecretBytes password_for(const std::string& name, const std::string& path) {
    const std::string beside = path + std::string(kPassword);
    if (::access(beside.c_str(), F_OK) != 0) return {};
    auto password = read_secret_file(beside);
    if (password.ok()) return *std::move(password);
    complain(name + std::string(kPassword), password.status().message());
    return {};
  }

  void take_own(const std::string& name, const std::string& path) {
    if (name.ends_with(kPassword)) return;
    auto content = read_regular(path, kMaxCertificateFileSize);
    if (!content.ok()) return complain(name, content.status().message());
    if (name.ends_with(kToken)) return take_token(name, *content);
    Found found = items_of(*content, password_for(name, path));
    if (found.certificates.empty() && found.keys.empty()) {
      return complain(name,
                      "holds neither a certificate nor a private key that can be read; PEM, DER and PKCS #12 are "
                      "accepted, with the password in a file of that name and .password");
    }
    if (!found.keys.empty()) {
      if (const Status status = check_private(*content); !status.ok()) return complain(name, status.message());
    }
    for (KeyOwner& key : found.keys) keys_.push_back({std::make_shared<PrivateKey>(key.release(), "software"), name});
    for (Certificate& each : found.certificates) own_.emplace_back(std::move(each), name);
  }

  void take_token(const std::string& name, const FileContent& content) {
    if (const Status status = check_private(content); !status.ok()) return complain(name, status.message());
    std::string uri(content.octets.reveal_text());
    while (!uri.empty() && (uri.back() == '\n' || uri.back() == '\r')) uri.pop_back();
    auto key = token_key(uri);
    wipe_memory(uri.data(), uri.size());  // it may have a pin-value
    if (!key.ok()) return complain(name, key.status().message());
    keys_.push_back({*std::move(key), name});
  }

  std::vector<Certificate> certificates_of(const std::string& name, const std::string& path) {
    auto content = read_regular(path, kMaxCertificateFileSize);
    Status status = content.status();
    if (status.ok()) status = check_not_writable(content->mode);
    if (!status.ok()) {
      complain(name, status.message());
      return {};
    }
    Found found = items_of(*content, {});
    if (found.certificates.empty()) complain(name, "holds no certificate; PEM and DER are accepted");
    return std::move(found.certificates);
  }

  void take_list(const std::string& name, const std::string& path) {
    auto content = read_regular(path, kMaxCrlSize);
    if (!content.ok()) return complain(name, content.status().message());
    auto list = Crl::parse(content->octets.view());
    if (!list.ok()) return complain(name, fmt::format("is {}", list.status().message()));
    store_.lists.push_back({*std::move(list), name});
  }

  void read_accounts() {
    const std::string path = path_ + "/accounts";
    if (::access(path.c_str(), F_OK) != 0) return;
    auto content = read_regular(path, kMaxAccountsFileSize);
    Status status = content.status();
    if (status.ok()) status = check_not_writable(content->mode);
    if (!status.ok()) return complain("accounts", status.message());
    auto list = AccountList::parse(content->octets.reveal_text());
    if (!list.ok()) return complain("accounts", list.status().message());
    store_.accounts = *std::move(list);
  }

  // A certificate of this host is one that has a key, or the first of its file; others there are for its path.
  void pair_keys() {
    std::string last_file;
    for (auto& [certificate, file] : own_) {
      const auto key = std::find_if(keys_.begin(), keys_.end(), [&, &own = certificate](const LooseKey& one) {
        return own.has_key_of(one.key->get());
      });
      const bool first = file != last_file;
      last_file = file;
      if (key == keys_.end() && !first) {
        store_.intermediates.push_back(std::move(certificate));
        continue;
      }
      if (key != keys_.end()) key->used = true;
      store_.own.push_back({std::move(certificate), key != keys_.end() ? key->key : nullptr, file});
    }
    for (const LooseKey& key : keys_) {
      if (!key.used) complain(key.file, "holds a private key that belongs to no certificate here");
    }
  }

  std::string path_;
  CertificateStore store_;
  std::vector<std::pair<Certificate, std::string>> own_;
  std::vector<LooseKey> keys_;
};

}  // namespace

CertificateStore read_certificates_of(const Place& directory) { return Reader(directory).run(); }

}  // namespace ipsec::ike
