#include "services/policyagent/shell/manual_sas.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/rpc/convert.h"
#include "services/policyagent/core/limits.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/fake_services.h"

namespace ipsec::agent::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A driver in this process, which forgets everything when it is told to.
class DriverWithMemory : public DriverClient {
 public:
  std::string_view name() const override { return "driver"; }
  bool wait_connected(std::chrono::milliseconds) override { return true; }
  Status send_policy(const PolicyInForce&, const PolicyInForce*) override { return {}; }
  Result<std::uint64_t> policy_version() override { return std::uint64_t{0}; }
  void watch_events(const std::function<void(proto::Event)>&) override {}
  void cancel() override {}
  Result<proto::ListSasReply> list_sas() override { return list_manual_sas(); }
  Result<proto::ListNatFiltersReply> list_nat_filters() override { return proto::ListNatFiltersReply(); }
  Result<proto::DriverStatistics> statistics(std::chrono::milliseconds) override { return proto::DriverStatistics(); }
  Result<proto::DriverStatistics> summary(std::chrono::milliseconds) override { return proto::DriverStatistics(); }
  Status set_boot_mode(const proto::DriverPolicy&) override { return {}; }

  Result<proto::ListSasReply> list_manual_sas() override {
    const std::lock_guard lock(mutex_);
    ++listings_;
    changed_.notify_all();
    if (!answers_) return unavailable("no driver");
    return installed_;
  }
  Status install_sa(const proto::InstallSaRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (!answers_) return unavailable("no driver");
    if (takes_silently_) {
      *installed_.add_sas()->mutable_sa() = request.sa();
      return unavailable("no answer in time");
    }
    for (const proto::SaStatus& status : installed_.sas()) {
      if (status.sa().spi() == request.sa().spi()) return {ErrorCode::kAlreadyExists, "this SPI is in use"};
    }
    *installed_.add_sas()->mutable_sa() = request.sa();
    changed_.notify_all();
    return {};
  }
  Status delete_sa(const proto::DeleteSaRequest& request) override {
    const std::lock_guard lock(mutex_);
    auto* const sas = installed_.mutable_sas();
    sas->erase(std::remove_if(sas->begin(), sas->end(),
                              [&](const proto::SaStatus& status) { return status.sa().spi() == request.spi(); }),
               sas->end());
    changed_.notify_all();
    return {};
  }

  void set_used(std::uint64_t last_sequence, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    for (proto::SaStatus& status : *installed_.mutable_sas()) {
      status.set_last_sequence(last_sequence);
      status.set_bytes(bytes);
    }
  }
  void restart() {
    const std::lock_guard lock(mutex_);
    installed_.Clear();
  }
  // Installs, but the answer comes too late.
  void set_takes_silently(bool takes_silently) {
    const std::lock_guard lock(mutex_);
    takes_silently_ = takes_silently;
  }
  void wait_for_none() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return installed_.sas_size() == 0; }));
  }
  void set_answers(bool answers) {
    const std::lock_guard lock(mutex_);
    answers_ = answers;
  }
  // The answer to each is a copy: what changes here afterwards does not change it.
  void wait_for_listings(int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return listings_ >= count; }));
  }
  // The one that is there, or comes.
  proto::Sa wait_for_one() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return installed_.sas_size() == 1; }));
    return installed_.sas_size() == 1 ? installed_.sas(0).sa() : proto::Sa();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answers_ = true;
  bool takes_silently_ = false;
  int listings_ = 0;
  proto::ListSasReply installed_;
};

ManualSa sound(std::uint32_t spi = 0x1001) {
  ManualSa sa;
  sa.source = address("10.77.0.1");
  sa.destination = address("10.77.0.2");
  sa.traffic = {AddressRange::host(sa.source), AddressRange::host(sa.destination), 0, {}, {}};
  sa.spi = spi;
  sa.cipher = Cipher::kAes128Cbc;
  sa.integrity = Integrity::kSha256;
  sa.encryption_key = SecretBytes(ByteView(Bytes(16, 0x11)));
  sa.integrity_key = SecretBytes(ByteView(Bytes(32, 0x22)));
  return sa;
}

class ManualSasTest : public testing::Test {
 protected:
  bool has_event(const std::string& name) {
    for (const EventLog::Event& event : events_.newest(100)) {
      if (event.name() == name) return true;
    }
    return false;
  }

  EventLog events_;
  DriverWithMemory driver_;
  ManualSas sas_{driver_, events_};
};

TEST_F(ManualSasTest, ARC_09_the_driver_has_it_with_its_keys_when_add_returns) {
  const auto problems = sas_.add(sound());
  ASSERT_TRUE(problems.ok());
  EXPECT_THAT(*problems, IsEmpty());
  const proto::Sa sa = driver_.wait_for_one();
  EXPECT_TRUE(sa.manual());
  EXPECT_EQ(sa.encryption_key(), std::string(16, 0x11));
  EXPECT_EQ(sa.integrity_key(), std::string(32, 0x22));
  EXPECT_EQ(sa.last_sequence(), 0U);
  EXPECT_EQ(sa.filter_id(), 0U);
}

TEST_F(ManualSasTest, what_the_driver_refuses_is_not_kept) {
  ASSERT_TRUE(sas_.add(sound()).ok());
  const auto again = sas_.add(sound());
  ASSERT_TRUE(again.ok());
  ASSERT_EQ(again->size(), 1U);
  EXPECT_EQ(again->front().code, store::kManualSaExists);
  EXPECT_EQ(again->front().field, "spi");
  driver_.set_answers(false);
  EXPECT_EQ(sas_.add(sound(0x1002)).status().code(), ErrorCode::kUnavailable);
  driver_.set_answers(true);
  EXPECT_EQ(*sas_.remove(0, nullptr), 1U);
}

TEST_F(ManualSasTest, a_driver_that_starts_anew_gets_it_behind_the_numbers_it_had_used) {
  ManualSa sa = sound();
  sa.lifetime_kilobytes = 100;
  ASSERT_TRUE(sas_.add(sa).ok());
  driver_.set_used(5000, 40 * 1024);
  sas_.driver_connected();
  driver_.wait_for_listings(1);
  driver_.restart();
  sas_.driver_connected();
  const proto::Sa given = driver_.wait_for_one();
  EXPECT_EQ(given.last_sequence(), 5000 + kSequencesLeftOut);
  EXPECT_EQ(given.lifetime_kilobytes(), 60U);
  EXPECT_EQ(given.encryption_key(), std::string(16, 0x11));
  // Waits for the synchronisation to end.
  EXPECT_EQ(*sas_.remove(0, nullptr), 1U);
  EXPECT_TRUE(has_event("manual_sa_given_again"));
}

TEST_F(ManualSasTest, one_that_is_used_up_is_not_given_again) {
  ManualSa sa = sound();
  sa.lifetime_kilobytes = 100;
  ASSERT_TRUE(sas_.add(sa).ok());
  driver_.set_used(5000, 100 * 1024);
  sas_.driver_connected();
  driver_.wait_for_listings(1);
  driver_.restart();
  sas_.driver_connected();
  driver_.wait_for_listings(2);
  EXPECT_EQ(*sas_.remove(0, nullptr), 0U);
  EXPECT_TRUE(has_event("manual_sa_ended"));
}

TEST_F(ManualSasTest, delete_takes_those_of_the_spi_and_the_peer_and_also_what_only_the_driver_knows) {
  ASSERT_TRUE(sas_.add(sound(0x1001)).ok());
  ASSERT_TRUE(sas_.add(sound(0x1002)).ok());
  proto::InstallSaRequest orphan;
  orphan.mutable_sa()->set_spi(0x7777);
  orphan.mutable_sa()->set_direction(proto::DIRECTION_OUTBOUND);
  ASSERT_TRUE(driver_.install_sa(orphan).ok());
  const IpAddress other = address("10.77.0.3");
  EXPECT_EQ(*sas_.remove(0x1001, &other), 0U);
  EXPECT_EQ(*sas_.remove(0x1001, nullptr), 1U);
  EXPECT_EQ(*sas_.remove(0x7777, nullptr), 1U);
  EXPECT_EQ(*sas_.remove(0, nullptr), 1U);
  EXPECT_EQ(driver_.list_manual_sas()->sas_size(), 0);
}

TEST_F(ManualSasTest, one_that_the_driver_took_without_an_answer_is_taken_back) {
  driver_.set_takes_silently(true);
  EXPECT_EQ(sas_.add(sound()).status().code(), ErrorCode::kUnavailable);
  driver_.set_takes_silently(false);
  sas_.driver_connected();
  driver_.wait_for_none();
  EXPECT_THAT(*sas_.add(sound()), IsEmpty()) << "and may be added again";
  sas_.driver_connected();
  driver_.wait_for_listings(2);
  EXPECT_EQ(*sas_.remove(0, nullptr), 1U);
}

TEST_F(ManualSasTest, those_of_an_agent_before_that_are_lost_with_the_driver_are_an_event) {
  proto::InstallSaRequest orphan;
  orphan.mutable_sa()->set_spi(0x7777);
  ASSERT_TRUE(driver_.install_sa(orphan).ok());
  sas_.driver_connected();
  driver_.wait_for_listings(1);
  EXPECT_FALSE(has_event("manual_sa_lost"));
  driver_.restart();
  sas_.driver_connected();
  driver_.wait_for_listings(2);
  // Waits for the synchronisation to end.
  EXPECT_EQ(*sas_.remove(0, nullptr), 0U);
  EXPECT_TRUE(has_event("manual_sa_lost"));
}

TEST_F(ManualSasTest, keys_are_in_no_event_and_no_text) {
  ASSERT_TRUE(sas_.add(sound()).ok());
  ASSERT_TRUE(sas_.add(sound()).ok());
  for (const EventLog::Event& event : events_.newest(100)) {
    EXPECT_THAT(event.DebugString(), testing::Not(HasSubstr("1111")));
  }
}

}  // namespace
}  // namespace ipsec::agent::tests
