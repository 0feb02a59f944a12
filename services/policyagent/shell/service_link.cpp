#include "services/policyagent/shell/service_link.h"

#include <algorithm>
#include <utility>

#include "services/policyagent/shell/limits.h"

namespace ipsec::agent {

ServiceLink::ServiceLink(ServiceClient& client, EventLog& events, std::function<void(std::uint64_t)> version_seen)
    : client_(client), events_(events), version_seen_(std::move(version_seen)) {
  watcher_ = std::thread([this] { watch(); });
  sender_ = std::thread([this] { send(); });
}

ServiceLink::~ServiceLink() {
  stop();
  watcher_.join();
  sender_.join();
}

void ServiceLink::publish(PolicyPointer policy) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(policy);
  }
  changed_.notify_all();
}

ServiceLink::State ServiceLink::state() const {
  const std::lock_guard lock(mutex_);
  return {connected_, confirmed_ == nullptr ? 0 : confirmed_->version};
}

void ServiceLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  client_.cancel();
}

void ServiceLink::watch() {
  const auto stopping = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  while (!stopping()) {
    if (!client_.wait_connected(limits::kConnectSlice)) continue;
    if (const auto version = client_.policy_version(); version.ok()) version_seen_(*version);
    set_connected(true);
    client_.watch_events([this](policyagent::v1::Event event) { events_.relay(std::move(event)); });
    set_connected(false);
    // A service that answers but refuses to be watched must not be asked in a busy loop.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limits::kResendFirst, [this] { return stopping_; });
  }
}

void ServiceLink::set_connected(bool connected) {
  {
    const std::lock_guard lock(mutex_);
    connected_ = connected;
    if (connected) ++connection_;
    confirmed_ = nullptr;
    if (stopping_) return;
  }
  changed_.notify_all();
  events_.add(connected ? Severity::kInformation : Severity::kWarning,
              connected ? "service_connected" : "service_disconnected",
              fmt::format("{} {}", client_.name(), connected ? "is connected" : "has gone away"),
              {{"service", std::string(client_.name())}});
}

// Requires the lock.
bool ServiceLink::work_waits() const {
  return connected_ && wanted_ && (settled_connection_ != connection_ || settled_version_ != wanted_->version);
}

void ServiceLink::send() {
  std::chrono::milliseconds pause = limits::kResendFirst;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || work_waits(); });
    if (stopping_) return;
    const auto policy = wanted_;
    const std::uint64_t connection = connection_;
    lock.unlock();
    send_once(policy, connection);
    lock.lock();
    if (!work_waits()) {
      pause = limits::kResendFirst;
      continue;
    }
    if (wanted_ != policy || connection_ != connection) continue;
    changed_.wait_for(lock, pause, [&] { return stopping_ || wanted_ != policy || connection_ != connection; });
    pause = std::min(pause * 2, limits::kResendLongest);
  }
}

void ServiceLink::send_once(const PolicyPointer& policy, std::uint64_t connection) {
  PolicyPointer base;
  {
    const std::lock_guard lock(mutex_);
    // Without it the whole is sent, too, after a failure that left in doubt what the service has.
    base = std::exchange(confirmed_, nullptr);
  }
  Status status = client_.send_policy(*policy, base.get());
  if (base && status.code() == ErrorCode::kRefused) status = client_.send_policy(*policy, nullptr);
  // What may come right by itself is tried again; the rest waits for another policy or another process.
  const bool settled = status.code() != ErrorCode::kUnavailable && status.code() != ErrorCode::kExhausted;
  {
    const std::lock_guard lock(mutex_);
    if (settled) {
      settled_connection_ = connection;
      settled_version_ = policy->version;
    }
    if (status.ok() && connected_ && connection == connection_) confirmed_ = policy;
  }
  report(status, policy->version);
}

void ServiceLink::report(const Status& status, std::uint64_t version) {
  const std::string complaint = status.ok() ? std::string() : status.message();
  {
    const std::lock_guard lock(mutex_);
    if (complaint == last_complaint_ || stopping_) return;
    last_complaint_ = complaint;
  }
  if (status.ok()) return;
  events_.add(Severity::kError, "policy_not_accepted", fmt::format("{}: {}", client_.name(), complaint),
              {{"service", std::string(client_.name())}, {"version", std::to_string(version)}, {"reason", complaint}});
}

}  // namespace ipsec::agent
