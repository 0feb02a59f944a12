#include "services/policyagent/shell/default_responder.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include "services/common/rpc/convert.h"
#include "services/policyagent/core/default_response.h"
#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {
namespace {

namespace proto = ::policyagent::v1;

Result<FilterRequest> from_proto(const proto::DefaultResponseRequest& message) {
  FilterRequest request;
  IPSEC_ASSIGN_OR_RETURN(request.local, rpc::from_proto(message.local(), "default_response.local"));
  IPSEC_ASSIGN_OR_RETURN(request.peer, rpc::from_proto(message.peer(), "default_response.peer"));
  IPSEC_ASSIGN_OR_RETURN(request.outbound, rpc::from_proto(message.outbound(), "default_response.outbound"));
  return request;
}

absl::flat_hash_set<std::uint64_t> filters_of(const proto::ListSasReply& listed) {
  absl::flat_hash_set<std::uint64_t> ids;
  for (const proto::SaStatus& status : listed.sas()) ids.insert(status.sa().filter_id());
  return ids;
}

}  // namespace

DefaultResponder::DefaultResponder(Agent& agent, IkeClient& ike, DriverClient& driver, EventLog& events)
    : agent_(agent), ike_(ike), driver_(driver), events_(events) {
  answering_ = std::thread([this] { answer_requests(); });
  watching_ = std::thread([this] { watch_use(); });
}

DefaultResponder::~DefaultResponder() {
  stop();
  ike_.cancel();
  answering_.join();
  watching_.join();
}

void DefaultResponder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
}

bool DefaultResponder::pause(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, duration, [this] { return stopping_; });
}

// A stream that ends is opened again, and begins with what still waits for an answer.
void DefaultResponder::answer_requests() {
  do {
    if (ike_.wait_connected(limits::kConnectSlice)) {
      ike_.watch_requests([this](const proto::IkeRequest& request) { return answer(request); });
    }
  } while (pause(limits::kResendFirst));
}

// False where the agent cannot say yet: then it is to be asked again.
bool DefaultResponder::answer(const proto::IkeRequest& message) {
  const auto request = from_proto(message.default_response());
  const Status status = request.ok() ? agent_.grant(*request) : request.status();
  if (status.ok()) return true;
  if (status.code() == ErrorCode::kUnavailable) return false;
  const std::string text = request.ok() ? fmt::format("{} asks to protect {}: {}", request->peer.to_string(),
                                                      request->outbound.mirrored().to_string(), status.message())
                                        : status.message();
  events_.add(Severity::kWarning, "default_response_declined", text, {{"reason", status.message()}});
  proto::DeclineIkeRequestRequest declined;
  *declined.mutable_default_response() = message.default_response();
  declined.set_reason(status.message());
  // Unheard it costs the peer some seconds more.
  static_cast<void>(ike_.decline_request(declined));
  return true;
}

void DefaultResponder::watch_use() {
  while (pause(limits::kDynamicFilterCheck)) {
    if (!agent_.has_dynamic_filters()) continue;
    // Without the driver's answer nothing is known to be idle.
    if (const auto listed = driver_.list_sas(); listed.ok()) agent_.dynamic_filters_in_use(filters_of(*listed));
  }
}

}  // namespace ipsec::agent
