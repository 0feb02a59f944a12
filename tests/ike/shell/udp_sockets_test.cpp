#include "services/ike/shell/udp_sockets.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/ike/shell/network_namespace.h"

namespace ipsec::ike {
namespace {

class UdpSocketsTest : public testing::Test {
 protected:
  void SetUp() override {
    network_ = NetworkNamespace::make();
    if (network_ == nullptr) GTEST_SKIP() << "network namespaces need root";
    visit_ = network_->visit();
    auto sockets = UdpSockets::open();
    ASSERT_TRUE(sockets.ok()) << sockets.status().message();
    sockets_ = std::move(sockets).value();
  }

  // What arrives next on any socket.
  std::optional<DatagramReceived> next() {
    std::vector<pollfd> files;
    for (std::size_t i = 0; i < sockets_->count(); ++i) files.push_back({sockets_->file_descriptor(i), POLLIN, 0});
    poll(files.data(), files.size(), 5000);
    for (std::size_t i = 0; i < sockets_->count(); ++i) {
      if (auto datagram = sockets_->receive(i)) return datagram;
    }
    return std::nullopt;
  }

  static Endpoint at(std::string_view address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

  std::unique_ptr<NetworkNamespace> network_;
  std::unique_ptr<NetworkNamespace::Visit> visit_;
  std::unique_ptr<UdpSockets> sockets_;
};

TEST_F(UdpSocketsTest, both_ports_of_both_families) { EXPECT_EQ(sockets_->count(), 4U); }

TEST_F(UdpSocketsTest, an_ICMP_error_is_told_and_does_not_keep_others_from_being_sent) {
  const std::pair<Endpoint, Endpoint> pairs[] = {{at("127.0.0.1", 500), at("127.0.0.2", 9)},
                                                 {at("::1", 500), at("::1", 9)}};
  for (const auto& [from, to] : pairs) {
    ASSERT_TRUE(sockets_->send({from, to, Bytes(28)}).ok());
    const std::size_t index = from.address.is_v4() ? 0 : 2;
    pollfd file{sockets_->file_descriptor(index), POLLIN, 0};
    ASSERT_EQ(poll(&file, 1, 5000), 1);
    const auto error = sockets_->take_error(index);
    ASSERT_TRUE(error) << to.to_string();
    EXPECT_EQ(error->peer, to.address);
    EXPECT_EQ(error->reporter, to.address);
    EXPECT_EQ(error->type, from.address.is_v4() ? 3 : 1);
    EXPECT_EQ(error->code, from.address.is_v4() ? 3 : 4) << "nobody listens there";
    EXPECT_FALSE(sockets_->take_error(index));
    EXPECT_TRUE(sockets_->send({from, at(from.address.is_v4() ? "127.0.0.3" : "::1", 500), Bytes(28)}).ok());
  }
}

TEST_F(UdpSocketsTest, datagrams_leave_from_and_tell_the_address_asked) {
  const std::pair<Endpoint, Endpoint> pairs[] = {
      {at("127.0.0.1", 500), at("127.0.0.2", 500)},
      {at("127.9.9.9", 4500), at("127.0.0.2", 4500)},
      {at("::1", 500), at("::1", 500)},
      {at("::1", 4500), at("::1", 4500)},
  };
  for (const auto& [from, to] : pairs) {
    for (const std::size_t size : {1U, 100U, 60000U}) {
      const Bytes bytes(size, 0x5a);
      const Status sent = sockets_->send({from, to, bytes});
      ASSERT_TRUE(sent.ok()) << sent.message();
      const auto datagram = next();
      ASSERT_TRUE(datagram) << to.to_string();
      EXPECT_EQ(datagram->local, to);
      EXPECT_EQ(datagram->peer, from);
      EXPECT_EQ(datagram->bytes, bytes);
    }
  }
}

TEST_F(UdpSocketsTest, without_marker_port_4500_is_not_ike) {
  const auto plain = [&](const Bytes& bytes) {
    // From port 500, so that no marker is put in front.
    EXPECT_TRUE(sockets_->send({at("127.0.0.1", 500), at("127.0.0.1", 4500), bytes}).ok());
  };
  plain(Bytes{0xff});
  plain(Bytes{0, 0, 0, 0});
  plain(Bytes{0, 0, 1, 0, 9, 9});
  plain(Bytes{0, 0, 0, 0, 7});
  const auto datagram = next();
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->bytes, Bytes{7});
  EXPECT_EQ(datagram->local.port, 4500);
}

TEST_F(UdpSocketsTest, an_address_that_is_not_ours_is_an_error) {
  const Status sent = sockets_->send({at("192.0.2.1", 500), at("127.0.0.1", 500), Bytes{1}});
  ASSERT_FALSE(sent.ok());
  EXPECT_NE(sent.message().find("192.0.2.1:500"), std::string::npos);
}

TEST_F(UdpSocketsTest, a_second_service_is_told_what_is_in_its_way) {
  const auto second = UdpSockets::open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(),
            "cannot bind UDP port 500 for IPv4: Address already in use (another IKE service on this host?)");
}

}  // namespace
}  // namespace ipsec::ike
