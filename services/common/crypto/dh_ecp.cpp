#include <array>
#include <cassert>
#include <cstdlib>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "services/common/crypto/bignum.h"
#include "services/common/crypto/dh_groups.h"

namespace ipsec {

namespace {

struct FreeEc {
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
  void operator()(EC_POINT* point) const { EC_POINT_clear_free(point); }
};
using EcPoint = std::unique_ptr<EC_POINT, FreeEc>;

// Never changed after construction, so shared by threads.
struct Curve {
  explicit Curve(int openssl_id) : group(EC_GROUP_new_by_curve_name(openssl_id)) {
    require(group != nullptr && EC_GROUP_get_curve(group.get(), prime.get(), nullptr, nullptr, nullptr) == 1);
  }

  std::unique_ptr<EC_GROUP, FreeEc> group;
  Bignum prime = make_bignum();
};

const Curve& curve_of(DhGroup group) {
  static const Curve p256(NID_X9_62_prime256v1);
  static const Curve p384(NID_secp384r1);
  static const Curve p521(NID_secp521r1);
  switch (group) {
    case DhGroup::kEcp256:
      return p256;
    case DhGroup::kEcp384:
      return p384;
    case DhGroup::kEcp521:
      return p521;
    default:
      assert(false && "not an ECP group");
      std::abort();
  }
}

EcPoint make_point(const Curve& curve) {
  EcPoint point(EC_POINT_new(curve.group.get()));
  require(point != nullptr);
  return point;
}

class EcpKeyPair : public DhKeyPair {
 public:
  EcpKeyPair(DhGroup group, Bignum scalar)
      : group_(group), scalar_(std::move(scalar)), public_value_(info(group).public_size) {
    const Curve& curve = curve_of(group);
    const BignumContext context = make_bignum_context();
    const EcPoint point = make_point(curve);
    const Bignum x = make_bignum();
    const Bignum y = make_bignum();
    require(EC_POINT_mul(curve.group.get(), point.get(), scalar_.get(), nullptr, nullptr, context.get()) == 1 &&
            EC_POINT_get_affine_coordinates(curve.group.get(), point.get(), x.get(), y.get(), context.get()) == 1);
    const std::size_t half = public_value_.size() / 2;
    write_padded(x.get(), MutableByteView(public_value_).first(half));
    write_padded(y.get(), MutableByteView(public_value_).last(half));
  }

  DhGroup group() const override { return group_; }
  ByteView public_value() const override { return public_value_; }

  Result<SecretBytes> shared_secret(ByteView peer_public) const override {
    const DhGroupInfo& sizes = info(group_);
    if (peer_public.size() != sizes.public_size) {
      return invalid(fmt::format("public value of {}: {} octets instead of {}", sizes.name, peer_public.size(),
                                 sizes.public_size));
    }
    const Curve& curve = curve_of(group_);
    const BignumContext context = make_bignum_context();
    const EcPoint point = read_point(curve, peer_public, context.get());
    if (point == nullptr) return invalid(fmt::format("public value of {}: not a point of the curve", sizes.name));
    const EcPoint product = make_point(curve);
    const Bignum x = make_bignum();
    require(EC_POINT_mul(curve.group.get(), product.get(), nullptr, point.get(), scalar_.get(), context.get()) == 1);
    // The order is prime and the scalar below it, so the product is never the point at infinity.
    require(EC_POINT_get_affine_coordinates(curve.group.get(), product.get(), x.get(), nullptr, context.get()) == 1);
    SecretBytes secret(sizes.shared_size);
    write_padded(x.get(), secret.mutable_view());
    return secret;
  }

 private:
  static EcPoint read_point(const Curve& curve, ByteView encoded, BN_CTX* context) {
    const Bignum x = bignum_of(encoded.first(encoded.size() / 2));
    const Bignum y = bignum_of(encoded.last(encoded.size() / 2));
    // OpenSSL would reduce a larger coordinate and so accept a second form of the same point.
    if (BN_cmp(x.get(), curve.prime.get()) >= 0 || BN_cmp(y.get(), curve.prime.get()) >= 0) return nullptr;
    EcPoint point = make_point(curve);
    const bool on_curve =
        EC_POINT_set_affine_coordinates(curve.group.get(), point.get(), x.get(), y.get(), context) == 1 &&
        EC_POINT_is_on_curve(curve.group.get(), point.get(), context) == 1;
    return on_curve ? std::move(point) : nullptr;
  }

  DhGroup group_;
  Bignum scalar_;
  Bytes public_value_;
};

}  // namespace

Result<std::unique_ptr<DhKeyPair>> make_ecp_key_pair(DhGroup group, const SecretBytes& private_value) {
  Bignum scalar = secret_bignum_of(private_value);
  const BIGNUM* order = EC_GROUP_get0_order(curve_of(group).group.get());
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), order) >= 0) {
    return invalid(fmt::format("private value of {}: not between 1 and the order of the curve", info(group).name));
  }
  return std::unique_ptr<DhKeyPair>(std::make_unique<EcpKeyPair>(group, std::move(scalar)));
}

}  // namespace ipsec
