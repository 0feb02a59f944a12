#include "services/common/crypto/dh.h"

#include <cassert>
#include <cstdlib>

#include "services/common/crypto/dh_groups.h"

namespace ipsec {

namespace {

// As many random bits as the group's private values have.
SecretBytes draw_private_value(DhGroup group, RandomSource& random) {
  // MODP: the larger exponent sizes of RFC 3526 section 8, rounded up to octets; ECP: as long as the order.
  const auto draw = [&random](std::size_t octets) {
    SecretBytes value(octets);
    random.fill(value.mutable_view());
    return value;
  };
  switch (group) {
    case DhGroup::kModp768:
    case DhGroup::kModp1024:
    case DhGroup::kModp1536:
      return draw(32);
    case DhGroup::kModp2048:
      return draw(40);
    case DhGroup::kModp3072:
      return draw(53);
    case DhGroup::kModp4096:
      return draw(60);
    case DhGroup::kModp6144:
      return draw(68);
    case DhGroup::kModp8192:
      return draw(78);
    case DhGroup::kEcp256:
      return draw(32);
    case DhGroup::kEcp384:
      return draw(48);
    case DhGroup::kEcp521: {
      SecretBytes value = draw(66);
      value.data()[0] &= 1;  // the order has 521 bits
      return value;
    }
    case DhGroup::kCurve25519:
      return draw(32);
    case DhGroup::kNone:
      break;
  }
  assert(false && "no such group");
  std::abort();
}

}  // namespace

Result<std::unique_ptr<DhKeyPair>> dh_key_pair_of(DhGroup group, const SecretBytes& private_value) {
  assert(group != DhGroup::kNone);
  switch (group) {
    case DhGroup::kEcp256:
    case DhGroup::kEcp384:
    case DhGroup::kEcp521:
      return make_ecp_key_pair(group, private_value);
    case DhGroup::kCurve25519:
      return make_curve25519_key_pair(private_value);
    default:
      return make_modp_key_pair(group, private_value);
  }
}

std::unique_ptr<DhKeyPair> make_dh_key_pair(DhGroup group, RandomSource& random) {
  for (;;) {
    SecretBytes private_value = draw_private_value(group, random);
    // Refused is only a zero or a scalar above the order: drawing again keeps the choice uniform.
    if (auto pair = dh_key_pair_of(group, private_value); pair.ok()) return *std::move(pair);
  }
}

}  // namespace ipsec
