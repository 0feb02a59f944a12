#include "services/ike/shell/driver_client.h"

#include <filesystem>
#include <memory>

#include <gtest/gtest.h>

#include "tests/ike/shell/fake_driver.h"
#include "tests/ike/shell/policy_messages.h"

namespace ipsec::ike {
namespace {

// What the client says, in order.
class Said {
 public:
  DriverClient::Receiver receiver() {
    return {.event = [this](Event event) { add(std::move(event)); },
            .connection = [this](bool connected) { add(connected); },
            .report = [this](ReportEvent event) { add(std::move(event)); }};
  }
  using Item = std::variant<Event, bool, ReportEvent>;

  // Takes the next one of type T (of an Event's kinds, or bool, or ReportEvent), leaving out none before it.
  template <typename T>
  T next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !items_.empty(); })) {
      throw std::runtime_error("the client says nothing");
    }
    Item item = std::move(items_.front());
    items_.pop_front();
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, ReportEvent>) {
      return std::get<T>(std::move(item));
    } else {
      return std::get<T>(std::get<Event>(std::move(item)));
    }
  }
  bool nothing_more() {
    const std::lock_guard lock(mutex_);
    return items_.empty();
  }

 private:
  void add(Item item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
};

class DriverClientTest : public testing::Test {
 protected:
  DriverClientTest() {
    char pattern[] = "/tmp/policyagent-ike-XXXXXX";
    directory_ = mkdtemp(pattern);
    socket_ = directory_ + "/driver.sock";
    driver_ = std::make_unique<FakeDriver>(socket_);
  }
  ~DriverClientTest() override {
    client_.reset();
    driver_.reset();
    std::filesystem::remove_all(directory_);
  }

  void connect() {
    client_ = std::make_unique<DriverClient>(socket_, said_.receiver());
    EXPECT_TRUE(said_.next<bool>());
  }

  static InstallSa install(std::uint64_t request, std::uint32_t spi, Direction direction) {
    InstallSa action;
    action.request_id = request;
    action.sa.spi = spi;
    action.sa.direction = direction;
    return action;
  }

  std::string directory_, socket_;
  std::unique_ptr<FakeDriver> driver_;
  Said said_;
  std::unique_ptr<DriverClient> client_;
};

TEST_F(DriverClientTest, calls_are_made_in_order_and_answered) {
  driver_->start();
  connect();
  client_->submit(ReserveSpi{1, SecurityProtocol::kEsp, *IpAddress::parse("10.0.0.1"), *IpAddress::parse("10.0.0.2")});
  client_->submit(install(2, 0x1000, Direction::kInbound));
  client_->submit(install(3, 0x2000, Direction::kOutbound));
  client_->submit(DeleteSa{0x2000, Direction::kOutbound, SecurityProtocol::kEsp, *IpAddress::parse("10.0.0.2")});
  client_->submit(AcquireFailed{9, FailureReason::kNoProposalChosen, "text"});
  const auto reserved = said_.next<SpiReserved>();
  EXPECT_EQ(reserved.request_id, 1U);
  EXPECT_EQ(reserved.spi, 0x1000U);
  EXPECT_EQ(said_.next<SaInstalled>().request_id, 2U);
  EXPECT_EQ(said_.next<SaInstalled>().request_id, 3U);
  client_->finish(std::chrono::seconds(20));
  const auto seen = driver_->seen();
  EXPECT_EQ(seen.calls, (std::vector<std::string>{"reserve", "install inbound", "install outbound", "delete outbound",
                                                  "acquire failed"}));
  EXPECT_TRUE(seen.inbound.contains(0x1000));
  EXPECT_TRUE(seen.outbound.empty());
  ASSERT_EQ(seen.failed_acquires.size(), 1U);
  EXPECT_EQ(seen.failed_acquires[0].acquire_id(), 9U);
  EXPECT_EQ(seen.failed_acquires[0].reason(), name(FailureReason::kNoProposalChosen));
}

TEST_F(DriverClientTest, a_refusal_carries_the_drivers_words) {
  driver_->start();
  connect();
  driver_->refuse(true);
  client_->submit(ReserveSpi{1, SecurityProtocol::kEsp, {}, {}});
  client_->submit(install(2, 0x1000, Direction::kInbound));
  EXPECT_EQ(said_.next<SpiReservationFailed>().text, "refused for the test");
  const auto failed = said_.next<SaInstallFailed>();
  EXPECT_EQ(failed.request_id, 2U);
  EXPECT_EQ(failed.text, "refused for the test");
}

TEST_F(DriverClientTest, without_a_driver_calls_fail_at_once) {
  client_ = std::make_unique<DriverClient>(socket_, said_.receiver());
  client_->submit(ReserveSpi{1, SecurityProtocol::kEsp, {}, {}});
  EXPECT_EQ(said_.next<SpiReservationFailed>().request_id, 1U);
}

TEST_F(DriverClientTest, requests_of_the_driver_become_events) {
  driver_->start();
  connect();
  driver_->ask(acquire(4, "10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(said_.next<AcquireRequested>().acquire_id, 4U);
  driver_->ask(proto::DriverRequest());
  EXPECT_EQ(said_.next<ReportEvent>().name, "driver_request_refused");
  proto::DriverRequest after_loss = acquire(5, "10.0.0.1", "10.0.0.2");
  after_loss.set_dropped(3);
  driver_->ask(after_loss);
  EXPECT_EQ(said_.next<ReportEvent>().name, "driver_requests_lost");
  EXPECT_EQ(said_.next<AcquireRequested>().acquire_id, 5U);
}

TEST_F(DriverClientTest, a_driver_that_comes_back_is_found_and_has_nothing) {
  driver_->start();
  connect();
  for (int life = 0; life < 3; ++life) {
    driver_->stop();
    EXPECT_FALSE(said_.next<bool>());
    driver_->start();
    (void)said_.next<DriverRestarted>();
    EXPECT_TRUE(said_.next<bool>());
    EXPECT_TRUE(driver_->wait_for([](const FakeDriver::Seen& seen) { return seen.streams == 1; }));
    driver_->ask(acquire(1, "10.0.0.1", "10.0.0.2"));
    EXPECT_EQ(said_.next<AcquireRequested>().acquire_id, 1U);
  }
  EXPECT_TRUE(said_.nothing_more());
}

TEST_F(DriverClientTest, the_first_driver_is_not_a_restarted_one) {
  client_ = std::make_unique<DriverClient>(socket_, said_.receiver());
  // Not there at first: the client has surely looked once when this call has failed.
  client_->submit(ReserveSpi{1, SecurityProtocol::kEsp, {}, {}});
  (void)said_.next<SpiReservationFailed>();
  driver_->start();
  EXPECT_TRUE(said_.next<bool>());
  driver_->ask(acquire(1, "10.0.0.1", "10.0.0.2"));
  (void)said_.next<AcquireRequested>();
}

proto::Sa sa_from_before(std::uint32_t spi, std::uint32_t pair_spi, proto::Direction direction) {
  const IpAddress here = *IpAddress::parse("10.0.0.1"), there = *IpAddress::parse("10.0.0.2");
  const bool inbound = direction == proto::DIRECTION_INBOUND;
  proto::Sa sa;
  sa.set_spi(spi);
  sa.set_pair_spi(pair_spi);
  sa.set_direction(direction);
  sa.set_protocol(proto::SECURITY_PROTOCOL_ESP);
  sa.set_encapsulation(proto::ENCAPSULATION_TRANSPORT);
  *sa.mutable_source() = rpc::to_proto(inbound ? there : here);
  *sa.mutable_destination() = rpc::to_proto(inbound ? here : there);
  *sa.mutable_selector() = rpc::to_proto(Selector{
      AddressRange::host(inbound ? there : here), AddressRange::host(inbound ? here : there), kProtocolAny, {}, {}});
  sa.set_filter_id(inbound ? 2 : 1);
  sa.set_rule_name("Test rule");
  return sa;
}

TEST_F(DriverClientTest, sas_of_an_earlier_service_are_taken_over_once) {
  driver_->start();
  driver_->has_from_before(sa_from_before(0x300, 0x400, proto::DIRECTION_INBOUND));
  driver_->has_from_before(sa_from_before(0x400, 0x300, proto::DIRECTION_OUTBOUND));
  client_ = std::make_unique<DriverClient>(socket_, said_.receiver());
  const auto found = said_.next<DriverSasFound>();
  ASSERT_EQ(found.sas.size(), 2U);
  EXPECT_EQ(found.sas[0].spi, 0x300U);
  EXPECT_EQ(found.sas[0].pair_spi, 0x400U);
  EXPECT_EQ(found.sas[0].direction, Direction::kInbound);
  EXPECT_EQ(found.sas[1].direction, Direction::kOutbound);
  EXPECT_EQ(found.sas[1].filter_id, 1U);
  EXPECT_EQ(found.sas[1].selector.to_string(), "10.0.0.1 -> 10.0.0.2 ANY");
  EXPECT_EQ(found.sas[1].rule_name, "Test rule");
  EXPECT_TRUE(said_.next<bool>());
}

TEST_F(DriverClientTest, what_the_driver_can_is_said_before_the_connection) {
  driver_->start();
  driver_->can_udp_encapsulation();
  client_ = std::make_unique<DriverClient>(socket_, said_.receiver());
  EXPECT_TRUE(said_.next<DriverCapable>().udp_encapsulation);
  EXPECT_TRUE(said_.next<bool>());
}

TEST_F(DriverClientTest, sas_that_cannot_be_read_are_reported_with_the_place) {
  driver_->start();
  driver_->has_from_before(proto::Sa());
  client_ = std::make_unique<DriverClient>(socket_, said_.receiver());
  const auto report = said_.next<ReportEvent>();
  EXPECT_EQ(report.name, "driver_sas_unknown");
  EXPECT_NE(report.text.find("sas[0].spi"), std::string::npos) << report.text;
  EXPECT_TRUE(said_.next<bool>());
}

TEST_F(DriverClientTest, ends_while_the_driver_is_silent) {
  driver_->start();
  connect();
  client_.reset();
  SUCCEED();
}

}  // namespace
}  // namespace ipsec::ike
