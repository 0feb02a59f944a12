#include <fmt/format.h>

#include "services/common/crypto/dh_groups.h"
#include "services/common/crypto/openssl_handles.h"

namespace ipsec {

namespace {

using Key = std::unique_ptr<EVP_PKEY, FreeOpenssl>;

class Curve25519KeyPair final : public DhKeyPair {
 public:
  explicit Curve25519KeyPair(Key key) : key_(std::move(key)), public_value_(info(group()).public_size) {
    std::size_t size = public_value_.size();
    require(EVP_PKEY_get_raw_public_key(key_.get(), public_value_.data(), &size) == 1 && size == public_value_.size());
  }

  DhGroup group() const override { return DhGroup::kCurve25519; }
  ByteView public_value() const override { return public_value_; }

  Result<SecretBytes> shared_secret(ByteView peer_public) const override {
    const DhGroupInfo& sizes = info(group());
    if (peer_public.size() != sizes.public_size) {
      return invalid(fmt::format("public value of {}: {} octets instead of {}", sizes.name, peer_public.size(),
                                 sizes.public_size));
    }
    const Key peer(EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, peer_public.data(), peer_public.size()));
    const std::unique_ptr<EVP_PKEY_CTX, FreeOpenssl> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    require(peer != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
            EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1);
    SecretBytes secret(sizes.shared_size);
    std::size_t size = secret.size();
    // Fails for an all-zero result only: a point of small order (RFC 8031 section 2).
    if (EVP_PKEY_derive(context.get(), secret.data(), &size) != 1) {
      return invalid(fmt::format("public value of {}: a point of small order", sizes.name));
    }
    return secret;
  }

 private:
  Key key_;
  Bytes public_value_;
};

}  // namespace

Result<std::unique_ptr<DhKeyPair>> make_curve25519_key_pair(const SecretBytes& private_value) {
  if (private_value.size() != 32) return invalid("private value of curve25519: not 32 octets");
  Key key(
      EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, private_value.view().data(), private_value.size()));
  require(key != nullptr);
  return std::unique_ptr<DhKeyPair>(std::make_unique<Curve25519KeyPair>(std::move(key)));
}

}  // namespace ipsec
