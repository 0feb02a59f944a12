#include "services/ike/core/transform_attributes.h"

#include <algorithm>
#include <limits>

#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

bool LifetimeReader::take(const Attribute& attribute) {
  if (attribute.type == type_class_) {
    unit_ = attribute.as_number().value_or(0);
    return true;
  }
  if (attribute.type != duration_class_) return false;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto value = static_cast<std::uint32_t>(std::min(attribute.as_number().value_or(kMost), kMost));
  if (unit_ == kLifeSeconds) result_.seconds = value;
  if (unit_ == kLifeKilobytes) result_.kilobytes = value;
  return true;
}

std::uint32_t smaller_lifetime(std::uint32_t a, std::uint32_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

}  // namespace ipsec::ike
