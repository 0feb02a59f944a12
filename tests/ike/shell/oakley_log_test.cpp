#include "services/ike/shell/oakley_log.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ipsec::ike {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr std::int64_t kTime = 1'795'985'049'123;  // 2026-11-29 20:44:09.123 UTC

class OakleyLogTest : public testing::Test {
 protected:
  OakleyLogTest() {
    std::string path = (std::filesystem::temp_directory_path() / "oakley-XXXXXX").string();
    folder_ = mkdtemp(path.data());
  }
  ~OakleyLogTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/oakley.log"; }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::string folder_;
};

TEST_F(OakleyLogTest, a_line_has_the_documented_form_and_no_control_characters) {
  OakleyLog log(path(), 10000);
  EXPECT_FALSE(std::filesystem::exists(path())) << "nothing before the first line";
  EXPECT_TRUE(log.write(LogCategory::kMainMode, "peer \x1b[2J\nsecond", kTime));
  EXPECT_THAT(content(path()), MatchesRegex("11-29: 20:44:09:123:[0-9a-f]+ mainmode: peer .x1b.2J.x0asecond\n"));
  EXPECT_EQ(std::filesystem::status(path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(OakleyLogTest, it_is_bounded_and_keeps_the_one_before) {
  OakleyLog log(path(), 1000);
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(log.write(LogCategory::kPackets, std::string(50, 'x') + std::to_string(i), kTime));
    EXPECT_LE(std::filesystem::file_size(path()), 1000U);
  }
  EXPECT_LE(std::filesystem::file_size(path() + ".sav"), 1000U);
  EXPECT_THAT(content(path()), EndsWith("x199\n"));
  EXPECT_TRUE(log.write(LogCategory::kPackets, std::string(100000, 'y'), kTime)) << "cut";
  EXPECT_LE(std::filesystem::file_size(path()), 1000U);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 2U);
}

TEST_F(OakleyLogTest, it_goes_on_in_the_file_that_is_there) {
  { OakleyLog(path(), 1000).write(LogCategory::kNat, "first", kTime); }
  OakleyLog(path(), 1000).write(LogCategory::kNat, "second", kTime);
  EXPECT_THAT(content(path()), HasSubstr("first"));
  EXPECT_THAT(content(path()), HasSubstr("second"));
}

TEST_F(OakleyLogTest, what_is_no_file_of_its_own_is_refused_once) {
  std::filesystem::create_symlink(folder_ + "/elsewhere", path());
  OakleyLog log(path(), 1000);
  EXPECT_FALSE(log.write(LogCategory::kNat, "text", kTime));
  EXPECT_TRUE(log.write(LogCategory::kNat, "text", kTime)) << "told once";
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
  std::filesystem::remove(path());
  EXPECT_TRUE(log.write(LogCategory::kNat, "text", kTime));
  EXPECT_THAT(content(path()), HasSubstr("text"));
}

}  // namespace
}  // namespace ipsec::ike
