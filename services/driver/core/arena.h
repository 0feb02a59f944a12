#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "services/common/bytes.h"

namespace ipsec::driver {

// The memory of the packets that one batch makes: handed out in a row, taken back all at once. After the first batches
// it allocates nothing. One thread.
class Arena {
 public:
  // Not initialised. Valid until reset(). Requires size <= kBlockSize.
  MutableByteView allocate(std::size_t size) {
    if (blocks_.empty() || size > kBlockSize - used_) next_block();
    const MutableByteView memory(blocks_[current_].get() + used_, size);
    // Each packet begins on a cache line, so that two never share one and copies are aligned.
    used_ = std::min(kBlockSize, (used_ + size + kAlignment - 1) / kAlignment * kAlignment);
    return memory;
  }
  MutableByteView copy_of(ByteView bytes) {
    const MutableByteView memory = allocate(bytes.size());
    std::copy(bytes.begin(), bytes.end(), memory.begin());
    return memory;
  }
  void reset() {
    current_ = 0;
    used_ = 0;
  }

  // Twice the largest IP packet, so that at most half of a block is left unused.
  static constexpr std::size_t kBlockSize = std::size_t{128} * 1024;

 private:
  static constexpr std::size_t kAlignment = 64;

  void next_block() {
    if (!blocks_.empty()) ++current_;
    if (current_ == blocks_.size()) blocks_.emplace_back(new std::uint8_t[kBlockSize]);
    used_ = 0;
  }

  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;
};

}  // namespace ipsec::driver
