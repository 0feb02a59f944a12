#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <sys/socket.h>

#include "services/common/daemon/clock.h"
#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_x509.h"
#include "services/ike/shell/crl_cache.h"
#include "services/ike/shell/crl_fetcher.h"
#include "services/ike/shell/file_descriptor.h"
#include "tests/ike/certificates/test_authority.h"

namespace ipsec::ike::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kPoint = "http://crl.example.org/root.crl";

Bytes der_of(const Crl& list) {
  const X509Owner<BIO> out(BIO_new(BIO_s_mem()));
  i2d_X509_CRL_bio(out.get(), list.get());
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  const ByteView octets = as_bytes({data, static_cast<std::size_t>(size)});
  return {octets.begin(), octets.end()};
}

// Says `answer` to whoever connects, once; with an empty one it only listens.
class Server {
 public:
  explicit Server(std::string answer) : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listening_.number(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listening_.number(), 4), 0);
    EXPECT_EQ(::getsockname(listening_.number(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    if (answer.empty()) return;
    thread_ = std::jthread([this, answer = std::move(answer)] {
      const FileDescriptor client(::accept(listening_.number(), nullptr, nullptr));
      char request[4096];
      const ssize_t got = ::read(client.number(), request, sizeof(request));
      request_ = std::string(request, got > 0 ? static_cast<std::size_t>(got) : 0);
      for (std::size_t at = 0; at < answer.size();) {
        const ssize_t sent = ::send(client.number(), answer.data() + at, answer.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += static_cast<std::size_t>(sent);
      }
    });
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/lists/root.crl", port_); }
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  FileDescriptor listening_;
  std::uint16_t port_ = 0;
  std::string request_;
  std::jthread thread_;
};

std::string ok_answer(const Bytes& body, std::size_t length) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\nContent-Length: {}\r\n\r\n", length) +
         std::string(body.begin(), body.end());
}

Timestamp within(std::chrono::milliseconds time) { return daemon::monotonic_now() + time; }

TEST(CrlFetching, CRL_07_a_list_comes_over_http) {
  TestAuthority root("CN=Root");
  const Bytes list = der_of(root.revocation_list({root.certificate()}));
  Server server(ok_answer(list, list.size()));
  const auto fetched = fetch_over_http(server.url(), within(std::chrono::seconds(10)), -1);
  ASSERT_TRUE(fetched.ok()) << fetched.status().message();
  EXPECT_EQ(*fetched, list);
  EXPECT_THAT(server.request(), HasSubstr("GET /lists/root.crl HTTP/1.0\r\n"));
}

TEST(CrlFetching, CRL_06_a_server_that_hangs_costs_the_time_given_and_no_more) {
  Server server("");
  const auto fetched = fetch_over_http(server.url(), within(std::chrono::milliseconds(150)), -1);
  ASSERT_FALSE(fetched.ok());
  EXPECT_THAT(fetched.status().message(), HasSubstr("no answer within 15 s"));
  Server half(ok_answer(Bytes{0x30, 0x82}, 1000));
  EXPECT_FALSE(fetch_over_http(half.url(), within(std::chrono::milliseconds(300)), -1).ok());
}

TEST(CrlFetching, CRL_11_errors_are_named) {
  const auto error = [](const std::string& url) {
    return fetch_over_http(url, within(std::chrono::seconds(5)), -1).status().message();
  };
  EXPECT_THAT(error("https://example.org/a.crl"), HasSubstr("only http"));
  EXPECT_THAT(error("ldap://example.org/a"), HasSubstr("only http"));
  EXPECT_THAT(error("http://127.0.0.1:1/a.crl"), HasSubstr("refused"));
  Server missing("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(error(missing.url()), HasSubstr("no revocation list came"));
  Server moved("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/other\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(error(moved.url()), HasSubstr("no revocation list came"));
  Server noise("what is this\r\n\r\n");
  EXPECT_THAT(error(noise.url()), HasSubstr("no revocation list came"));
  Server page("HTTP/1.1 200 OK\r\n\r\n<html>no list</html>");
  EXPECT_THAT(error(page.url()), HasSubstr("no revocation list came"));
}

TEST(CrlFetching, CRL_06_the_size_is_bounded_whatever_the_server_says) {
  // DER that announces more than is allowed.
  Server large(ok_answer(Bytes{0x30, 0x84, 0x10, 0x00, 0x00, 0x00, 0x00}, 0x10000006));
  const auto fetched = fetch_over_http(large.url(), within(std::chrono::seconds(5)), -1);
  EXPECT_FALSE(fetched.ok());
  static_assert(kMaxCrlSize < 0x10000000);
}

TEST(CrlFetching, CRL_06_the_fetcher_ends_at_once_though_a_server_hangs) {
  Server server("");
  std::atomic<bool> called = false;
  const Timestamp before = daemon::monotonic_now();
  {
    CrlFetcher fetcher;
    ASSERT_TRUE(fetcher.fetch(server.url(), within(std::chrono::seconds(15)), [&](Result<Bytes>) { called = true; }));
  }
  EXPECT_LT(daemon::monotonic_now() - before, std::chrono::seconds(10));
}

class CrlCaching : public testing::Test {
 protected:
  CrlCaching() {
    std::string path = (std::filesystem::temp_directory_path() / "crls-XXXXXX").string();
    directory_ = std::string(mkdtemp(path.data())) + "/cache";
  }
  ~CrlCaching() override { std::filesystem::remove_all(std::filesystem::path(directory_).parent_path()); }
  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(directory_)) ++count;
    return count;
  }

  std::string directory_;
  TestAuthority root_{"CN=Root"};
};

TEST_F(CrlCaching, CRL_07_survives_a_restart) {
  const Crl list = root_.revocation_list({});
  {
    CrlCache cache(directory_, kTestNow);
    EXPECT_TRUE(cache.add(kPoint, list, der_of(list)).ok());
    EXPECT_EQ(cache.lists(kTestNow).size(), 1U);
  }
  CrlCache again(directory_, kTestNow);
  EXPECT_THAT(again.problems(), IsEmpty());
  EXPECT_EQ(again.lists(kTestNow).size(), 1U);
}

TEST_F(CrlCaching, CRL_08_what_has_run_out_goes) {
  const Crl list = root_.revocation_list({});
  CrlCache cache(directory_, kTestNow);
  EXPECT_TRUE(cache.add(kPoint, list, der_of(list)).ok());
  EXPECT_THAT(cache.lists(kTestNow + 2 * kDay), IsEmpty());
  EXPECT_EQ(files(), 0U);
  EXPECT_TRUE(cache.add(kPoint, list, der_of(list)).ok());
  CrlCache later(directory_, kTestNow + 2 * kDay);
  EXPECT_THAT(later.lists(kTestNow + 2 * kDay), IsEmpty());
  EXPECT_EQ(files(), 0U);
}

TEST_F(CrlCaching, CRL_07_a_damaged_file_is_removed_and_named) {
  const Crl list = root_.revocation_list({});
  { EXPECT_TRUE(CrlCache(directory_, kTestNow).add(kPoint, list, der_of(list)).ok()); }
  for (const auto& each : std::filesystem::directory_iterator(directory_)) {
    std::ofstream(each.path(), std::ios::binary | std::ios::trunc) << "damaged";
  }
  CrlCache again(directory_, kTestNow);
  ASSERT_EQ(again.problems().size(), 1U);
  EXPECT_THAT(again.problems()[0], HasSubstr("not a CRL"));
  EXPECT_EQ(files(), 0U);
}

TEST_F(CrlCaching, CRL_07_is_bounded) {
  CrlCache cache(directory_, kTestNow);
  const Crl list = root_.revocation_list({});
  const Bytes octets = der_of(list);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cache.add(fmt::format("http://crl.example.org/{}", i), list, octets).ok());
  EXPECT_EQ(cache.lists(kTestNow).size(), 64U);
  EXPECT_EQ(files(), 64U);
}

}  // namespace
}  // namespace ipsec::ike::tests
