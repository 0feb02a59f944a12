// Engines are OpenSSL's way to tokens in Debian 12; OpenSSL 3 has marked them as to be replaced by providers, of which
// Debian 12 has none for PKCS #11.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "services/ike/shell/token_key.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "services/common/bytes.h"
#include "services/common/secret.h"
#include "services/ike/certificates/openssl_error.h"
#include "services/ike/shell/secret_file.h"

namespace ipsec::ike {

namespace {

constexpr std::uint8_t kEndOfText = 0;

struct FreeEngine {
  void operator()(ENGINE* engine) const { ENGINE_free(engine); }
};

// The value of an attribute of the query; empty: it has none.
SecretBytes attribute(std::string_view query, std::string_view name) {
  SecretBytes value;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.substr(0, one.find('=')) != name || one.size() <= name.size()) continue;
    const std::string_view text = one.substr(name.size() + 1);
    for (std::size_t at = 0; at < text.size(); ++at) {
      const auto octet = text[at] == '%' ? from_hex(text.substr(at + 1, 2)) : Result<Bytes>(Bytes());
      const bool is_encoded = octet.ok() && octet->size() == 1;
      value.append(is_encoded ? ByteView(*octet) : as_bytes(text.substr(at, 1)));
      if (is_encoded) at += 2;
    }
  }
  return value;
}

std::string text_of(const SecretBytes& value) { return std::string(value.reveal_text()); }

// The PIN of the query, or of the file that it names; empty: neither.
Result<SecretBytes> pin_of(std::string_view query) {
  SecretBytes pin = attribute(query, "pin-value");
  std::string source = text_of(attribute(query, "pin-source"));
  if (!pin.empty() || source.empty()) return pin;
  if (source.starts_with("file:")) source.erase(0, source.find_first_not_of('/', 5) - 1);
  return read_secret_file(source);
}

}  // namespace

Result<std::shared_ptr<const PrivateKey>> token_key(const std::string& uri) {
  if (!uri.starts_with("pkcs11:")) return invalid("holds no URI that begins with pkcs11: (RFC 7512)");
  // The query is kept from the engine, which prints URIs that it does not like.
  const std::string path = uri.substr(0, uri.find('?'));
  const std::string_view query = std::string_view(uri).substr(std::min(path.size() + 1, uri.size()));
  IPSEC_ASSIGN_OR_RETURN(SecretBytes pin, pin_of(query));
  ENGINE_load_dynamic();
  const std::unique_ptr<ENGINE, FreeEngine> engine(ENGINE_by_id("pkcs11"));
  if (!engine) {
    ERR_clear_error();
    return unavailable("needs OpenSSL's engine 'pkcs11' (Debian: libengine-pkcs11-openssl), which is not there");
  }
  const std::string module = text_of(attribute(query, "module-path"));
  if (!module.empty()) ENGINE_ctrl_cmd_string(engine.get(), "MODULE_PATH", module.c_str(), 1);
  pin.append(ByteView(&kEndOfText, 1));
  ENGINE_ctrl_cmd_string(engine.get(), "PIN", reinterpret_cast<const char*>(pin.view().data()), 1);
  // Never finished: keys in use need the engine, and it ends with the process.
  if (ENGINE_init(engine.get()) != 1)
    return unavailable(fmt::format("the token's module does not start: {}", take_openssl_error()));
  EVP_PKEY* key = ENGINE_load_private_key(engine.get(), path.c_str(), nullptr, nullptr);
  if (key == nullptr) return unavailable(fmt::format("the token gives no such private key: {}", take_openssl_error()));
  const std::size_t token = path.find("token=");
  const std::string name = token == std::string::npos ? "?" : path.substr(token + 6, path.find(';', token) - token - 6);
  return std::make_shared<const PrivateKey>(key, fmt::format("PKCS #11 token '{}'", name));
}

}  // namespace ipsec::ike
