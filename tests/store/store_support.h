#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "store/edit.h"
#include "store/model.h"
#include "store/policy_store.h"
#include "store/problem.h"
#include "tests/support/seeded_random.h"

namespace ipsec::store::tests {

inline constexpr WallClock kNow = 1'795'000'000;  // 2026-11-18

// A directory of its own, removed afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// me <-> 10.77.0.0/24, TCP to `port`.
Filter filter_to_port(std::uint16_t port);
Filter filter_between(FilterAddress source, FilterAddress destination);
FilterAddress range(std::string_view text);

AuthenticationMethod psk(std::string_view key);
QuickModeOffer esp_offer(Cipher cipher, Integrity integrity);

// A valid tree: policy 'P' (assigned) with rule 'R' (list 'L', action 'A', preshared key), and a tunnel policy 'T'.
PolicyTree small_tree(std::uint64_t seed = 1);
// A valid tree of random shape that uses every field; prints nothing.
PolicyTree random_tree(ipsec::tests::SeededRandom& random);

// "05005 policy 'P' name" for each problem: what tables of cases compare.
std::vector<std::string> summary(const Problems& problems);
std::vector<std::uint32_t> codes(const Problems& problems);
std::string all_text(const Problems& problems);

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view text);
// A file of store/, named from there.
std::string source_file(const std::string& name);

}  // namespace ipsec::store::tests
