#include <array>
#include <cassert>
#include <cstdlib>

#include <fmt/format.h>

#include "services/common/crypto/bignum.h"
#include "services/common/crypto/dh_groups.h"

namespace ipsec {

namespace {

// Everything about a prime that is worth computing once. Never changed after construction, so shared by threads.
struct ModpGroup {
  explicit ModpGroup(Bignum prime_number) : prime(std::move(prime_number)) {
    require(prime != nullptr && generator != nullptr && prime_minus_1 != nullptr && montgomery != nullptr);
    const BignumContext context = make_bignum_context();
    require(BN_set_word(generator.get(), 2) == 1 && BN_sub(prime_minus_1.get(), prime.get(), BN_value_one()) == 1 &&
            BN_MONT_CTX_set(montgomery.get(), prime.get(), context.get()) == 1);
  }

  Bignum prime;
  Bignum generator = make_bignum();
  Bignum prime_minus_1 = make_bignum();
  std::unique_ptr<BN_MONT_CTX, FreeBignum> montgomery{BN_MONT_CTX_new()};
};

const ModpGroup& modp_group(DhGroup group) {
  static const ModpGroup modp768(Bignum(BN_get_rfc2409_prime_768(nullptr)));
  static const ModpGroup modp1024(Bignum(BN_get_rfc2409_prime_1024(nullptr)));
  static const ModpGroup modp1536(Bignum(BN_get_rfc3526_prime_1536(nullptr)));
  static const ModpGroup modp2048(Bignum(BN_get_rfc3526_prime_2048(nullptr)));
  static const ModpGroup modp3072(Bignum(BN_get_rfc3526_prime_3072(nullptr)));
  static const ModpGroup modp4096(Bignum(BN_get_rfc3526_prime_4096(nullptr)));
  static const ModpGroup modp6144(Bignum(BN_get_rfc3526_prime_6144(nullptr)));
  static const ModpGroup modp8192(Bignum(BN_get_rfc3526_prime_8192(nullptr)));
  switch (group) {
    case DhGroup::kModp768:
      return modp768;
    case DhGroup::kModp1024:
      return modp1024;
    case DhGroup::kModp1536:
      return modp1536;
    case DhGroup::kModp2048:
      return modp2048;
    case DhGroup::kModp3072:
      return modp3072;
    case DhGroup::kModp4096:
      return modp4096;
    case DhGroup::kModp6144:
      return modp6144;
    case DhGroup::kModp8192:
      return modp8192;
    default:
      assert(false && "not a MODP group");
      std::abort();
  }
}

Bignum power(const ModpGroup& group, const BIGNUM* base, const BIGNUM* exponent) {
  Bignum result = make_bignum();
  const BignumContext context = make_bignum_context();
  require(BN_mod_exp_mont_consttime(result.get(), base, exponent, group.prime.get(), context.get(),
                                    group.montgomery.get()) == 1);
  return result;
}

class ModpKeyPair : public DhKeyPair {
 public:
  ModpKeyPair(DhGroup group, Bignum exponent)
      : group_(group), exponent_(std::move(exponent)), public_value_(info(group).public_size) {
    const ModpGroup& numbers = modp_group(group);
    write_padded(power(numbers, numbers.generator.get(), exponent_.get()).get(), public_value_);
  }

  DhGroup group() const override { return group_; }
  ByteView public_value() const override { return public_value_; }

  Result<SecretBytes> shared_secret(ByteView peer_public) const override {
    const DhGroupInfo& sizes = info(group_);
    if (peer_public.size() != sizes.public_size) {
      return invalid(fmt::format("public value of {}: {} octets instead of {}", sizes.name, peer_public.size(),
                                 sizes.public_size));
    }
    const ModpGroup& numbers = modp_group(group_);
    const Bignum peer = bignum_of(peer_public);
    // 0, 1 and p-1 would make the secret known to anyone who watches.
    if (BN_is_zero(peer.get()) || BN_is_one(peer.get()) || BN_cmp(peer.get(), numbers.prime_minus_1.get()) >= 0) {
      return invalid(fmt::format("public value of {}: not between 2 and p-2", sizes.name));
    }
    SecretBytes secret(sizes.shared_size);
    write_padded(power(numbers, peer.get(), exponent_.get()).get(), secret.mutable_view());
    return secret;
  }

 private:
  DhGroup group_;
  Bignum exponent_;
  Bytes public_value_;
};

}  // namespace

Result<std::unique_ptr<DhKeyPair>> make_modp_key_pair(DhGroup group, const SecretBytes& private_value) {
  Bignum exponent = secret_bignum_of(private_value);
  if (BN_is_zero(exponent.get())) return invalid(fmt::format("private value of {}: zero", info(group).name));
  return std::unique_ptr<DhKeyPair>(std::make_unique<ModpKeyPair>(group, std::move(exponent)));
}

}  // namespace ipsec
