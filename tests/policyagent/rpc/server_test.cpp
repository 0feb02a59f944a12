#include "services/common/rpc/server.h"

#include <cstring>
#include <filesystem>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/stream.h"

namespace ipsec::rpc {
namespace {

constexpr std::chrono::seconds kPatience{20};

class EchoDriver : public proto::Driver::Service {
 public:
  grpc::Status DeleteSa(grpc::ServerContext*, const proto::DeleteSaRequest* request, proto::DeleteSaReply*) override {
    return request->spi() == 0 ? to_grpc(refused("SPI 0")) : grpc::Status::OK;
  }
  grpc::Status WatchEvents(grpc::ServerContext* context, const proto::WatchDriverEventsRequest*,
                           grpc::ServerWriter<proto::Event>* writer) override {
    const auto queue = events.subscribe();
    proto::Event hello;
    hello.set_name("hello");
    queue->push(hello);
    write_stream(*context, *writer, *queue);
    return grpc::Status::OK;
  }
  EventBroadcaster<proto::Event> events{4};
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    char pattern[] = "/tmp/policyagent-rpc-XXXXXX";
    base_ = mkdtemp(pattern);
    socket_ = driver_socket(base_ + "/runtime");
  }
  ~ServerTest() override { std::filesystem::remove_all(base_); }

  std::unique_ptr<Server> start(SocketAccess access = SocketAccess::kOwner) {
    grpc::Service* services[] = {&driver_};
    auto server = Server::start(socket_, access, services);
    EXPECT_TRUE(server.ok()) << server.status().message();
    return server.ok() ? std::move(server).value() : nullptr;
  }
  Status call(std::uint32_t spi, std::size_t padding = 0) {
    grpc::ClientContext context;
    set_patience(context, kPatience);
    context.set_wait_for_ready(true);
    proto::DeleteSaRequest request;
    proto::DeleteSaReply reply;
    request.set_spi(spi);
    request.mutable_peer()->set_octets(std::string(padding, 'x'));
    return from_grpc(stub_->DeleteSa(&context, request, &reply));
  }
  unsigned mode(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777U;
  }
  void connect() { stub_ = proto::Driver::NewStub(connect_channel(socket_)); }

  std::string base_;
  std::string socket_;
  EchoDriver driver_;
  std::unique_ptr<proto::Driver::Stub> stub_;
};

TEST_F(ServerTest, answers_and_carries_errors) {
  const auto server = start();
  connect();
  EXPECT_TRUE(call(1).ok());
  const Status status = call(0);
  EXPECT_EQ(status.code(), ErrorCode::kRefused);
  EXPECT_EQ(status.message(), "SPI 0");
}

TEST_F(ServerTest, modes_of_directory_and_socket) {
  {
    const auto server = start(SocketAccess::kOwner);
    EXPECT_EQ(mode(base_ + "/runtime"), 0750U);
    EXPECT_EQ(mode(socket_), 0600U);
  }
  const auto server = start(SocketAccess::kGroup);
  EXPECT_EQ(mode(socket_), 0660U);
}

TEST_F(ServerTest, messages_beyond_the_default_limit_pass) {
  const auto server = start();
  connect();
  EXPECT_TRUE(call(1, 20U << 20U).ok());
}

TEST_F(ServerTest, stale_socket_is_replaced_and_a_living_one_is_not) {
  std::filesystem::create_directories(base_ + "/runtime");
  const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, socket_.c_str(), sizeof(name.sun_path) - 1);
  ASSERT_EQ(bind(stale, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  close(stale);
  EXPECT_EQ(serving_process(socket_), 0);

  const auto server = start();
  connect();
  EXPECT_TRUE(call(1).ok());
  EXPECT_EQ(serving_process(socket_), getpid());
  EXPECT_TRUE(serves_from(socket_, "/proc/self/exe"));
  EXPECT_TRUE(serves_from(socket_, "/nonexistent")) << "not known";
  EXPECT_FALSE(serves_from(socket_, "/bin/sh")) << "another file";

  grpc::Service* services[] = {&driver_};
  const auto second = Server::start(socket_, SocketAccess::kOwner, services);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(call(2).ok());
}

TEST_F(ServerTest, client_finds_a_server_that_comes_back) {
  connect();
  for (std::uint32_t round = 1; round <= 3; ++round) {
    const auto server = start();
    EXPECT_TRUE(call(round).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(socket_));
  EXPECT_EQ(serving_process(socket_), 0);
}

TEST_F(ServerTest, shutdown_ends_an_idle_stream) {
  auto server = start();
  connect();
  grpc::ClientContext context;
  const auto reader = stub_->WatchEvents(&context, {});
  proto::Event event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.name(), "hello");
  server->shutdown(std::chrono::milliseconds(0));
  EXPECT_FALSE(reader->Read(&event));
}

TEST_F(ServerTest, too_long_a_path_is_refused) {
  grpc::Service* services[] = {&driver_};
  const auto server = Server::start("/tmp/" + std::string(120, 'd') + "/driver.sock", SocketAccess::kOwner, services);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.status().code(), ErrorCode::kInvalid);
}

TEST(Status, every_code_survives_the_wire) {
  for (const ErrorCode code :
       {ErrorCode::kInvalid, ErrorCode::kNotFound, ErrorCode::kAlreadyExists, ErrorCode::kRefused,
        ErrorCode::kUnavailable, ErrorCode::kExhausted, ErrorCode::kInternal}) {
    const Status back = from_grpc(to_grpc(Status(code, "text")));
    EXPECT_EQ(back.code(), code);
    EXPECT_EQ(back.message(), "text");
  }
  EXPECT_TRUE(from_grpc(to_grpc(Status())).ok());
}

TEST(Status, long_text_is_cut_between_characters) {
  std::string text(2047, 'a');
  text += "\xc3\xa9 and more";
  EXPECT_EQ(to_grpc(invalid(text)).error_message(), std::string(2047, 'a') + "...");
}

TEST(Paths, option_then_variable_then_default) {
  ASSERT_EQ(setenv(kRuntimeDirectoryVariable, "/tmp/from-variable", 1), 0);
  EXPECT_EQ(runtime_directory("/tmp/from-option"), "/tmp/from-option");
  EXPECT_EQ(runtime_directory(""), "/tmp/from-variable");
  ASSERT_EQ(unsetenv(kRuntimeDirectoryVariable), 0);
  EXPECT_EQ(runtime_directory(""), "/run/policyagent");
  EXPECT_EQ(policy_agent_socket("/r"), "/r/policyagent.sock");
  EXPECT_EQ(ike_socket("/r"), "/r/ike.sock");
}

}  // namespace
}  // namespace ipsec::rpc
