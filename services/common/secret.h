#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string_view>
#include <type_traits>
#include <vector>

#include "services/common/bytes.h"

// Key material and preshared keys. The storage wipes itself whenever it is released, also when a vector grows.
namespace ipsec {

// Overwrites memory in a way the compiler may not remove.
void wipe_memory(void* data, std::size_t size) noexcept;

// Allocator for plain integers only, so that no destructor can leave a copy behind.
template <typename T>
requires std::is_integral_v<T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>&) noexcept {}
  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(::operator new(count * sizeof(T)));
  }
  void deallocate(T* data, std::size_t count) noexcept {
    wipe_memory(data, count * sizeof(T));
    ::operator delete(data);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

// Copies are allowed (policies are plain values) and wipe themselves too. There is no operator== and nothing prints it:
// compare with constant_time_equal, which takes as long for a wrong first byte as for a wrong last one.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size) : data_(size) {}
  explicit SecretBytes(ByteView bytes) : data_(bytes.begin(), bytes.end()) {}
  explicit SecretBytes(std::string_view text) : SecretBytes(as_bytes(text)) {}

  std::size_t size() const { return data_.size(); }
  bool empty() const { return data_.empty(); }
  std::uint8_t* data() { return data_.data(); }
  ByteView view() const { return {data_.data(), data_.size()}; }
  MutableByteView mutable_view() { return {data_.data(), data_.size()}; }
  // The bytes as characters, for a preshared key at the edge where it must become text. Borrowed.
  std::string_view reveal_text() const { return {reinterpret_cast<const char*>(data_.data()), data_.size()}; }
  void append(ByteView bytes) { data_.insert(data_.end(), bytes.begin(), bytes.end()); }
  void resize(std::size_t size) { data_.resize(size); }

 private:
  std::vector<std::uint8_t, WipingAllocator<std::uint8_t>> data_;
};

// Lengths are not secret: different lengths compare unequal at once.
bool constant_time_equal(ByteView a, ByteView b) noexcept;

}  // namespace ipsec
