#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <memory>

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

namespace ipsec::driver {

// A hash map whose copies are cheap and independent: a copy shares all shards, and a change copies the one shard it
// touches. So a snapshot with a hundred thousand SAs costs microseconds. A copy may be read by any thread while its
// origin is changed by another.
template <typename Key, typename Value>
class ShardedMap {
  using Shard = absl::flat_hash_map<Key, Value>;
  static constexpr std::size_t kShards = 256;

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

  // Many changes at once, each touched shard copied once: they are there when the object ends. The map must not be used
  // meanwhile.
  class Change {
   public:
    explicit Change(ShardedMap& map) : map_(map) {}
    ~Change() {
      for (std::size_t i = 0; i < kShards; ++i) {
        if (copies_[i] != nullptr) map_.shards_[i] = std::move(copies_[i]);
      }
    }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

    // Null where there is none; valid until the next change.
    Value* find(const Key& key) {
      Shard& shard = own(index(key));
      const auto found = shard.find(key);
      return found == shard.end() ? nullptr : &found->second;
    }
    Value& operator[](const Key& key) { return own(index(key))[key]; }
    void erase(const Key& key) { own(index(key)).erase(key); }

   private:
    Shard& own(std::size_t at) {
      if (copies_[at] == nullptr) copies_[at] = map_.copy_of(at);
      return *copies_[at];
    }

    ShardedMap& map_;
    std::array<std::shared_ptr<Shard>, kShards> copies_;
  };

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (shard == nullptr) continue;
      for (const auto& [key, value] : *shard) visit(key, value);
    }
  }

 private:
  // The highest bits: the shards hash the same way and take the lowest for themselves.
  static std::size_t index(const Key& key) {
    return absl::HashOf(key) >> (std::numeric_limits<std::size_t>::digits - 8);
  }

  std::shared_ptr<Shard> copy_of(std::size_t at) const {
    return shards_[at] == nullptr ? std::make_shared<Shard>() : std::make_shared<Shard>(*shards_[at]);
  }

  // Never changes a shard in place, even one that is not shared now: another thread may be letting go of it this very
  // moment, and a use count read without ordering proves nothing about what that thread has finished reading.
  Shard& own(std::size_t at) {
    auto copy = copy_of(at);
    Shard& shard = *copy;
    shards_[at] = std::move(copy);
    return shard;
  }

  std::array<std::shared_ptr<const Shard>, kShards> shards_;
};

}  // namespace ipsec::driver
