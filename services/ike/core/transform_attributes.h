#pragma once

#include <cstdint>
#include <optional>

#include "services/ike/wire/sa_payload.h"

// Lifetimes inside transforms, which both phases write the same way under different class numbers.
namespace ipsec::ike {

struct Lifetimes {
  std::optional<std::uint32_t> seconds;  // larger wishes than 32 bits count as the largest
  std::optional<std::uint32_t> kilobytes;
};

// RFC 2407 section 4.5: a duration belongs to the last life type before it; the pair may come again for the other unit.
class LifetimeReader {
 public:
  LifetimeReader(std::uint16_t type_class, std::uint16_t duration_class)
      : type_class_(type_class), duration_class_(duration_class) {}
  // True where the attribute was one of the two classes.
  bool take(const Attribute& attribute);
  const Lifetimes& result() const { return result_; }

 private:
  std::uint16_t type_class_;
  std::uint16_t duration_class_;
  std::uint64_t unit_ = 0;
  Lifetimes result_;
};

// 0 means: no limit.
std::uint32_t smaller_lifetime(std::uint32_t a, std::uint32_t b);

}  // namespace ipsec::ike
