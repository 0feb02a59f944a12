#include "services/driver/core/tcp.h"

#include <algorithm>

namespace ipsec::driver::tcp {
namespace {

constexpr std::uint8_t kOptionEnd = 0;
constexpr std::uint8_t kOptionNop = 1;
constexpr std::uint8_t kOptionSack = 5;
constexpr std::uint8_t kOptionMd5 = 19;             // RFC 2385
constexpr std::uint8_t kOptionAuthentication = 29;  // RFC 5925

// Calls `visit(kind, value)` for each option; stops at one that does not fit.
template <typename Visit>
void for_each_option(ByteView header, Visit visit) {
  ByteView options = header.subspan(kOptionsOffset);
  while (!options.empty() && options[0] != kOptionEnd) {
    const std::size_t size = options[0] == kOptionNop ? 1 : (options.size() < 2 ? 0 : options[1]);
    if (size == 0 || size > options.size() || (size == 1 && options[0] != kOptionNop)) return;
    if (size > 1) visit(options[0], options.subspan(2, size - 2));
    options = options.subspan(size);
  }
}

}  // namespace

bool is_signed(ByteView header) {
  bool found = false;
  for_each_option(header, [&](std::uint8_t kind, ByteView) {
    found = found || kind == kOptionMd5 || kind == kOptionAuthentication;
  });
  return found;
}

std::uint32_t longest_selective_run(ByteView header) {
  std::uint32_t longest = 0;
  for_each_option(header, [&](std::uint8_t kind, ByteView value) {
    if (kind != kOptionSack) return;
    for (; value.size() >= 8; value = value.subspan(8)) {
      const std::uint32_t run = load_u32(&value[4]) - load_u32(&value[0]);
      if (static_cast<std::int32_t>(run) > 0) longest = std::max(longest, run);
    }
  });
  return longest;
}

}  // namespace ipsec::driver::tcp
