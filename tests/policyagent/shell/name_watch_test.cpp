#include "services/policyagent/shell/name_watch.h"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policyagent/shell/name_resolution.h"
#include "tests/policyagent/core/policy_builder.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::Key;

constexpr std::chrono::seconds kPatience{20};

// A resolver whose answers a test decides, and the news that came of them.
class Names {
 public:
  NameAnswer resolve(const std::string& name) {
    std::unique_lock lock(mutex_);
    ++lookups_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return hanging_ != name; });
    return {answers_[name], std::chrono::hours(1)};
  }
  void tell(const KnownNames& news) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, addresses] : news) known_[name] = addresses;
    ++told_;
    changed_.notify_all();
  }
  void set(const std::string& name, const std::string& text) {
    const std::lock_guard lock(mutex_);
    answers_[name] = {address(text)};
  }
  // Lookups of this name take until the next call.
  void hang(const std::string& name) {
    const std::lock_guard lock(mutex_);
    hanging_ = name;
    changed_.notify_all();
  }
  bool wait_for_lookups(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return lookups_ >= count; });
  }
  bool wait_for_news(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return told_ >= count; });
  }
  KnownNames known() {
    const std::lock_guard lock(mutex_);
    return known_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<IpAddress>> answers_;
  std::string hanging_;
  KnownNames known_;
  int lookups_ = 0;
  int told_ = 0;
};

class NameWatchTest : public testing::Test {
 protected:
  const std::shared_ptr<Names> names_ = std::make_shared<Names>();
  NameWatch watch_{[names = names_](const std::string& name) { return names->resolve(name); },
                   [names = names_](const KnownNames& news) { names->tell(news); }};
};

TEST_F(NameWatchTest, answers_in_a_row_are_told_together) {
  names_->set("a", "10.0.0.1");
  names_->set("b", "10.0.0.2");
  watch_.set_names({"a", "b", "c"});
  ASSERT_TRUE(names_->wait_for_news(1));
  EXPECT_THAT(names_->known(), ElementsAre(Key("a"), Key("b"))) << "of c nothing is known";
}

TEST_F(NameWatchTest, a_new_name_is_looked_up_although_the_others_have_time) {
  names_->set("a", "10.0.0.1");
  watch_.set_names({"a"});
  ASSERT_TRUE(names_->wait_for_news(1));
  names_->set("b", "10.0.0.2");
  watch_.set_names({"a", "b"});
  ASSERT_TRUE(names_->wait_for_news(2));
  EXPECT_THAT(names_->known(), ElementsAre(Key("a"), Key("b")));
}

TEST_F(NameWatchTest, a_lookup_that_hangs_keeps_nobody_from_stopping) {
  names_->hang("a");
  watch_.set_names({"a"});
  ASSERT_TRUE(names_->wait_for_lookups(1));
  watch_.stop();
  names_->hang("");
  EXPECT_THAT(names_->known(), ElementsAre());
}

// ---- lifetimes in DNS messages --------------------------------------------------------------------------------------

// An answer to "h. A" with a record for each lifetime.
std::vector<std::uint8_t> dns_answer(const std::vector<std::uint32_t>& lifetimes) {
  std::vector<std::uint8_t> message = {
      0, 1, 0x81, 0x80, 0, 1, 0, static_cast<std::uint8_t>(lifetimes.size()), 0, 0, 0, 0, 1, 'h', 0, 0, 1, 0, 1};
  for (const std::uint32_t lifetime : lifetimes) {
    for (const unsigned octet : {0xc0U, 12U, 0U, 1U, 0U, 1U, lifetime >> 24U, lifetime >> 16U & 0xffU,
                                 lifetime >> 8U & 0xffU, lifetime & 0xffU, 0U, 4U, 10U, 0U, 0U, 1U}) {
      message.push_back(static_cast<std::uint8_t>(octet));
    }
  }
  return message;
}

TEST(NameLifetime, the_shortest_counts) {
  EXPECT_EQ(shortest_lifetime(dns_answer({300, 70000, 60})), Duration(std::chrono::seconds(60)));
  EXPECT_EQ(shortest_lifetime(dns_answer({})), std::nullopt);
}

TEST(NameLifetime, what_is_cut_off_is_no_answer) {
  const std::vector<std::uint8_t> whole = dns_answer({300, 60});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(shortest_lifetime(ByteView(whole).first(size)), std::nullopt) << size;
  }
}

}  // namespace
}  // namespace ipsec::agent::tests
