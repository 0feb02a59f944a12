#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

namespace ipsec::driver {

// A hash map whose copies are cheap and independent: a copy shares all shards, and a change copies the one shard it
// touches. So a snapshot with a hundred thousand SAs costs microseconds. A copy may be read by any thread while its
// origin is changed by another.
template <typename Key, typename Value>
class ShardedMap {
 public:
  // Null where there is none; valid until this copy changes.
  const Value* find(const Key& key) const {
    const auto& shard = shards_[index(key)];
    if (shard == nullptr) return nullptr;
    const auto found = shard->find(key);
    return found == shard->end() ? nullptr : &found->second;
  }
  // The value to be changed, made where there was none; valid until the next change.
  Value& operator[](const Key& key) { return own(index(key))[key]; }
  void erase(const Key& key) {
    if (find(key) != nullptr) own(index(key)).erase(key);
  }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (shard == nullptr) continue;
      for (const auto& [key, value] : *shard) visit(key, value);
    }
  }

 private:
  using Shard = absl::flat_hash_map<Key, Value>;
  static constexpr std::size_t kShards = 256;

  static std::size_t index(const Key& key) { return absl::HashOf(key) % kShards; }

  // Never changes a shard in place, even one that is not shared now: another thread may be letting go of it this very
  // moment, and a use count read without ordering proves nothing about what that thread has finished reading.
  Shard& own(std::size_t at) {
    auto copy = shards_[at] == nullptr ? std::make_shared<Shard>() : std::make_shared<Shard>(*shards_[at]);
    Shard& shard = *copy;
    shards_[at] = std::move(copy);
    return shard;
  }

  std::array<std::shared_ptr<const Shard>, kShards> shards_;
};

}  // namespace ipsec::driver
