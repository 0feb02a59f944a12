// Engines are OpenSSL's way to tokens in Debian 12; OpenSSL 3 has marked them as to be replaced by providers, of which
// Debian 12 has none for PKCS #11.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "services/ike/shell/token_key.h"

#include <array>

#include <openssl/engine.h>
#include <openssl/err.h>

namespace ipsec::ike {

namespace {

struct FreeEngine {
  void operator()(ENGINE* engine) const { ENGINE_free(engine); }
};

std::string last_error() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

// The value of an attribute of the URI; empty: it has none.
std::string attribute(const std::string& uri, const std::string& name) {
  const std::size_t at = uri.find(name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 1;
  return uri.substr(begin, uri.find_first_of(";&?", begin) - begin);
}

}  // namespace

Result<std::shared_ptr<const PrivateKey>> token_key(const std::string& uri) {
  if (!uri.starts_with("pkcs11:")) return invalid("holds no URI that begins with pkcs11: (RFC 7512)");
  ENGINE_load_dynamic();
  const std::unique_ptr<ENGINE, FreeEngine> engine(ENGINE_by_id("pkcs11"));
  if (!engine) {
    ERR_clear_error();
    return unavailable("needs OpenSSL's engine 'pkcs11' (Debian: libengine-pkcs11-openssl), which is not there");
  }
  const std::string module = attribute(uri, "module-path");
  if (!module.empty()) ENGINE_ctrl_cmd_string(engine.get(), "MODULE_PATH", module.c_str(), 0);
  if (ENGINE_init(engine.get()) != 1)
    return unavailable(fmt::format("the token's module does not start: {}", last_error()));
  EVP_PKEY* key = ENGINE_load_private_key(engine.get(), uri.c_str(), nullptr, nullptr);
  // The key holds a reference of its own.
  ENGINE_finish(engine.get());
  if (key == nullptr) return unavailable(fmt::format("the token gives no such private key: {}", last_error()));
  const std::string token = attribute(uri, "token");
  return std::make_shared<const PrivateKey>(key, fmt::format("PKCS #11 token '{}'", token.empty() ? "?" : token));
}

}  // namespace ipsec::ike
