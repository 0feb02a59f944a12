#include "services/policyagent/shell/agent_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "proto/policyagent.grpc.pb.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/paths.h"
#include "services/common/rpc/status.h"
#include "tests/policyagent/core/policy_builder.h"
#include "tests/policyagent/shell/fake_services.h"
#include "tests/policyagent/shell/temporary_directory.h"

// The administration service on its socket, with driver and IKE played by fakes on theirs.
namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AgentServiceTest : public testing::Test {
 protected:
  AgentServiceTest()
      : driver_server_(serve(rpc::driver_socket(directory_.path()), driver_)),
        ike_server_(serve(rpc::ike_socket(directory_.path()), ike_)),
        driver_client_(connect_driver(rpc::driver_socket(directory_.path()))),
        ike_client_(connect_ike(rpc::ike_socket(directory_.path()))),
        agent_(store::PolicyStore::open(directory_.path() + "/policy.db").value(), events_,
               [this](const PolicyPointer& policy) {
                 driver_link_.publish(policy);
                 ike_link_.publish(policy);
               }),
        driver_link_(*driver_client_, events_, [this](std::uint64_t version) { agent_.version_seen(version); }),
        ike_link_(*ike_client_, events_, [this](std::uint64_t version) { agent_.version_seen(version); }),
        service_(
            make_agent_service({agent_,
                                events_,
                                *driver_client_,
                                *ike_client_,
                                manual_sas_,
                                {{"driver", driver_link_, supervisor_}, {"ike", ike_link_, supervisor_}},
                                [](const std::string&) { return std::vector<IpAddress>{address("192.0.2.80")}; }})),
        server_(serve(rpc::policy_agent_socket(directory_.path()), *service_)),
        stub_(proto::PolicyAgent::NewStub(rpc::connect_channel(rpc::policy_agent_socket(directory_.path())))) {
    agent_.set_host(lan_host({"10.77.0.1/24"}));
    agent_.load("start");
  }
  ~AgentServiceTest() override {
    driver_link_.stop();
    ike_link_.stop();
    events_.close();
  }

  template <typename Request, typename Reply>
  Status call(grpc::Status (proto::PolicyAgent::Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
              const Request& request, Reply& reply) {
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    return rpc::from_grpc((stub_.get()->*method)(&context, request, &reply));
  }

  // Its parts put together.
  proto::CompiledPolicyReply compiled_policy() {
    grpc::ClientContext context;
    rpc::set_patience(context, kPatience);
    const auto reader = stub_->GetCompiledPolicy(&context, proto::GetCompiledPolicyRequest());
    proto::CompiledPolicyReply whole;
    proto::CompiledPolicyReply part;
    while (reader->Read(&part)) whole.MergeFrom(part);
    EXPECT_TRUE(reader->Finish().ok());
    return whole;
  }

  // "Secure", assigned, with one rule for TCP 445 to 10.77.0.2 and one by name.
  static proto::ApplyRequest secure_policy() {
    proto::ApplyRequest request;
    auto& policy = *request.add_changes()->mutable_add_policy();
    policy.set_name("Secure");
    policy.set_assign(true);
    auto& filter = *request.add_changes()->mutable_add_filter();
    filter.set_filter_list("list");
    filter.mutable_filter()->mutable_source()->set_keyword("me");
    *filter.mutable_filter()->mutable_destination()->mutable_range() = rpc::to_proto(range("10.77.0.2"));
    filter.mutable_filter()->set_protocol(6);
    filter.mutable_filter()->set_destination_port(445);
    filter.mutable_filter()->set_mirrored(true);
    request.add_changes()->mutable_add_filter_action()->set_name("secure");
    auto& rule = *request.add_changes()->mutable_add_rule();
    rule.set_name("R");
    rule.set_policy("Secure");
    rule.set_filter_list("list");
    rule.set_filter_action("secure");
    rule.mutable_authentication()->add_methods()->mutable_preshared_key()->set_key("s3cret");
    return request;
  }
  void apply(const proto::ApplyRequest& request) {
    proto::ApplyReply reply;
    const Status status = call(&proto::PolicyAgent::Stub::Apply, request, reply);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(reply.problems_size(), 0) << reply.problems(0).text();
  }

  TemporaryDirectory directory_;
  EventLog events_;
  FakeDriver driver_;
  FakeIke ike_;
  std::unique_ptr<rpc::Server> driver_server_;
  std::unique_ptr<rpc::Server> ike_server_;
  std::unique_ptr<DriverClient> driver_client_;
  std::unique_ptr<IkeClient> ike_client_;
  Agent agent_;
  ManualSas manual_sas_{*driver_client_, events_};
  ServiceLink driver_link_;
  ServiceLink ike_link_;
  Supervisor supervisor_{{"driver", {"/bin/false"}, "/nonexistent"}, events_};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<proto::PolicyAgent::Stub> stub_;
};

TEST_F(AgentServiceTest, PA_18_an_applied_policy_reaches_driver_and_ike) {
  apply(secure_policy());
  const std::uint64_t version = agent_.state().in_force->version;
  ASSERT_TRUE(driver_.received.wait_for_version(version));
  ASSERT_TRUE(ike_.received.wait_for_version(version));
  EXPECT_EQ(driver_.last_policy().filters_size(), 2);
  EXPECT_TRUE(driver_.last_policy().active());
  EXPECT_EQ(ike_.last_policy().main_mode_filters(0).authentication(0).preshared_key(), "s3cret");
}

TEST_F(AgentServiceTest, a_refused_change_names_its_place_and_nothing_is_stored) {
  proto::ApplyRequest request = secure_policy();
  request.mutable_changes(3)->mutable_add_rule()->set_filter_action("none such");
  proto::ApplyReply reply;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Apply, request, reply).ok());
  ASSERT_GE(reply.problems_size(), 1);
  EXPECT_EQ(reply.problems(0).change_index(), 3U);
  EXPECT_THAT(reply.problems(0).text(), HasSubstr("none such"));

  request = secure_policy();
  request.mutable_changes(1)->mutable_add_filter()->mutable_filter()->set_protocol(1000);
  reply.Clear();
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Apply, request, reply).ok());
  ASSERT_EQ(reply.problems_size(), 1);
  EXPECT_EQ(reply.problems(0).change_index(), 1U);

  proto::ReadReply read;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Read, proto::ReadRequest(), read).ok());
  EXPECT_EQ(read.policies_size() + read.filter_lists_size() + read.filter_actions_size(), 0);
}

TEST_F(AgentServiceTest, read_gives_what_is_asked_for) {
  apply(secure_policy());
  proto::ReadRequest request;
  proto::ReadReply reply;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Read, request, reply).ok());
  EXPECT_EQ(reply.policies_size(), 1);
  EXPECT_EQ(reply.policies(0).rules_size(), 0) << "children were not asked for";
  EXPECT_EQ(reply.filter_lists_size(), 1);
  EXPECT_EQ(reply.filter_actions_size(), 1);
  EXPECT_EQ(reply.store(), "local");

  request.set_kind(proto::ReadRequest::KIND_RULE);
  request.set_policy("secure");
  request.mutable_object()->set_name("r");
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Read, request, reply).ok());
  ASSERT_EQ(reply.rules_size(), 1);
  EXPECT_EQ(reply.rules(0).filter_list(), "list");
  EXPECT_EQ(reply.SerializeAsString().find("s3cret"), std::string::npos);

  request.mutable_object()->set_name("other");
  EXPECT_EQ(call(&proto::PolicyAgent::Stub::Read, request, reply).code(), ErrorCode::kNotFound);
  request.mutable_object()->set_guid("xyz");
  EXPECT_EQ(call(&proto::PolicyAgent::Stub::Read, request, reply).code(), ErrorCode::kInvalid);
  request.Clear();
  request.set_kind(proto::ReadRequest::KIND_FILTER_LIST);
  request.mutable_object()->set_name("LIST");
  request.set_with_children(true);
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Read, request, reply).ok());
  EXPECT_EQ(reply.filter_lists(0).filters_size(), 1);
}

TEST_F(AgentServiceTest, names_in_filters_are_resolved) {
  proto::ApplyRequest request;
  auto& add = *request.add_changes()->mutable_add_filter();
  add.set_filter_list("names");
  add.mutable_filter()->mutable_source()->set_keyword("me");
  add.mutable_filter()->mutable_destination()->mutable_dns_name()->set_name("www.example.org");
  apply(request);
  proto::ReadRequest read;
  read.set_with_children(true);
  proto::ReadReply reply;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Read, read, reply).ok());
  const auto& name = reply.filter_lists(0).filters(0).destination().dns_name();
  ASSERT_EQ(name.resolved_size(), 1);
  EXPECT_EQ(rpc::from_proto(name.resolved(0), "a").value(), address("192.0.2.80"));
}

TEST_F(AgentServiceTest, status_tells_state_services_and_host) {
  apply(secure_policy());
  const std::uint64_t version = agent_.state().in_force->version;
  ASSERT_TRUE(driver_.received.wait_for_version(version));
  proto::AgentStatus status;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::GetStatus, proto::GetStatusRequest(), status).ok());
  EXPECT_EQ(status.state(), "Local");
  EXPECT_EQ(status.policy_name(), "Secure");
  EXPECT_EQ(status.policy_version(), version);
  EXPECT_EQ(status.polling_interval_minutes(), 180U);
  EXPECT_TRUE(status.driver_attached());
  EXPECT_EQ(status.profile(), "modern");
  EXPECT_THAT(status.interfaces(), ElementsAre("eth0"));
  ASSERT_EQ(status.local_addresses_size(), 1);
  ASSERT_EQ(status.services_size(), 2);
  EXPECT_EQ(status.services(0).name(), "driver");
  EXPECT_TRUE(status.services(0).connected());
  EXPECT_EQ(status.last_load_reason(), "store changed");
}

TEST_F(AgentServiceTest, IM_03_compiled_policy_shows_filters_and_no_secrets) {
  apply(secure_policy());
  const proto::CompiledPolicyReply reply = compiled_policy();
  EXPECT_EQ(reply.driver().filters_size(), 2);
  ASSERT_EQ(reply.generic_filters_size(), 1);
  EXPECT_EQ(reply.generic_filters(0).source(), "Me");
  ASSERT_EQ(reply.ike().main_mode_filters_size(), 1);
  EXPECT_TRUE(reply.ike().main_mode_filters(0).authentication(0).has_preshared_key());
  EXPECT_EQ(reply.SerializeAsString().find("s3cret"), std::string::npos);
}

TEST_F(AgentServiceTest, PA_27_listings_and_statistics_come_from_driver_and_ike) {
  proto::ListMainModeSasReply main_mode;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::ListMainModeSas, proto::ListMainModeSasRequest(), main_mode).ok());
  EXPECT_EQ(main_mode.sas(0).peer_identity(), "10.77.0.2");
  proto::ListSasReply quick_mode;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::ListQuickModeSas, proto::ListSasRequest(), quick_mode).ok());
  EXPECT_EQ(quick_mode.sas(0).packets(), 7U);
  proto::DeleteMainModeSasRequest request;
  request.set_quick_mode_too(true);
  proto::DeleteMainModeSasReply deleted;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::DeleteMainModeSas, request, deleted).ok());
  EXPECT_EQ(deleted.deleted(), 2U);
  proto::Statistics statistics;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::GetStatistics, proto::GetStatisticsRequest(), statistics).ok());
  EXPECT_TRUE(statistics.has_ike());
  EXPECT_TRUE(statistics.has_driver());
}

TEST_F(AgentServiceTest, without_ike_its_part_is_absent_and_its_calls_say_so) {
  ike_server_.reset();
  proto::Statistics statistics;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::GetStatistics, proto::GetStatisticsRequest(), statistics).ok());
  EXPECT_FALSE(statistics.has_ike());
  EXPECT_TRUE(statistics.has_driver());
  proto::ListMainModeSasReply reply;
  const Status status = call(&proto::PolicyAgent::Stub::ListMainModeSas, proto::ListMainModeSasRequest(), reply);
  EXPECT_EQ(status.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(status.message(), testing::StartsWith("ike: "));
}

TEST_F(AgentServiceTest, export_and_import) {
  apply(secure_policy());
  proto::ExportRequest request;
  request.set_with_secrets(true);
  proto::ExportReply exported;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::ExportPolicies, request, exported).ok());
  EXPECT_THAT(exported.json(), HasSubstr("s3cret"));
  proto::ImportRequest import;
  import.set_json(exported.json());
  proto::ImportReply imported;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::ImportPolicies, import, imported).ok());
  EXPECT_EQ(imported.problems_size(), 0);
  EXPECT_EQ(imported.policies(), 1U);
  EXPECT_EQ(imported.filter_lists(), 1U);
  EXPECT_EQ(imported.filter_actions(), 1U);
  import.set_json("{}");
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::ImportPolicies, import, imported).ok());
  EXPECT_GE(imported.problems_size(), 1);
  request.set_policy("nobody");
  EXPECT_EQ(call(&proto::PolicyAgent::Stub::ExportPolicies, request, exported).code(), ErrorCode::kNotFound);
}

TEST_F(AgentServiceTest, events_of_all_services_are_listed_and_watched) {
  proto::ReloadReply reload;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::Reload, proto::ReloadRequest(), reload).ok());
  EXPECT_EQ(reload.outcome(), "no policy is assigned");
  grpc::ClientContext context;
  proto::WatchEventsRequest request;
  request.set_backlog(1000);
  const auto reader = stub_->WatchEvents(&context, request);
  std::map<std::string, int> sources;
  proto::Event event;
  while ((sources["driver"] == 0 || sources["policyagent"] == 0) && reader->Read(&event)) ++sources[event.source()];
  EXPECT_GT(sources["driver"], 0);
  proto::Event authentication_failed;
  authentication_failed.set_source("ike");
  authentication_failed.set_name("authentication_failed");
  // The agent's stream to IKE may not be open yet: until it is, an event has no watcher.
  std::thread ike_speaks([&] {
    while (sources["ike"] == 0 && events_.newest(1000).back().source() != "ike") {
      ike_.events.publish(authentication_failed);
      std::this_thread::yield();
    }
  });
  while (reader->Read(&event) && event.source() != "ike") {
  }
  ike_speaks.join();
  EXPECT_EQ(event.name(), "authentication_failed");
  context.TryCancel();
  proto::ListEventsReply list;
  ASSERT_TRUE(call(&proto::PolicyAgent::Stub::ListEvents, proto::ListEventsRequest(), list).ok());
  EXPECT_GT(list.events_size(), 3);

  grpc::ClientContext second;
  request.set_backlog(1001);
  const auto refused = stub_->WatchEvents(&second, request);
  EXPECT_FALSE(refused->Read(&event));
  EXPECT_EQ(refused->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ipsec::agent::tests
