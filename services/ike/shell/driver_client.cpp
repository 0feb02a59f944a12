#include "services/ike/shell/driver_client.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include "proto/driver.grpc.pb.h"
#include "services/common/daemon/logging.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/wipe_keys.h"
#include "services/ike/shell/convert.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

namespace {

// Tells one making of a socket file from the next; all zero where there is none.
struct SocketIdentity {
  ino_t inode = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  friend bool operator==(const SocketIdentity&, const SocketIdentity&) = default;
};

SocketIdentity identify(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

}  // namespace

class DriverClient::Implementation {
 public:
  Implementation(std::string socket_path, Receiver receiver)
      : socket_path_(std::move(socket_path)),
        receiver_(std::move(receiver)),
        channel_(rpc::connect_channel(socket_path_)),
        stub_(proto::Driver::NewStub(channel_)),
        caller_([this] { make_calls(); }),
        watcher_([this] { watch(); }) {}

  ~Implementation() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (stream_ != nullptr) stream_->TryCancel();
      if (call_ != nullptr) call_->TryCancel();
    }
    changed_.notify_all();
  }

  void submit(DriverCall call) {
    {
      const std::lock_guard lock(mutex_);
      if (calls_.size() < kMaxDriverCalls) {
        calls_.push_back(std::move(call));
        changed_.notify_all();
        return;
      }
    }
    answer_failure(call, "too many calls are waiting for the driver");
  }

  void finish(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return calls_.empty() && !calling_; });
  }

 private:
  // --- Calls, in order, on one thread ---

  void make_calls() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !calls_.empty(); });
      if (stopping_) return;
      const DriverCall call = std::move(calls_.front());
      calls_.pop_front();
      calling_ = true;
      const std::uint64_t life = driver_life_;
      lock.unlock();
      std::optional<Event> answer = std::visit([this](const auto& action) { return perform(action); }, call);
      lock.lock();
      calling_ = false;
      changed_.notify_all();
      // An answer of a driver that is gone would come after DriverRestarted.
      if (answer && life == driver_life_ && !stopping_) {
        lock.unlock();
        receiver_.event(std::move(*answer));
        lock.lock();
      }
    }
  }

  std::optional<Event> perform(const ReserveSpi& action) {
    proto::ReserveSpiReply reply;
    const Status status = call(&proto::Driver::Stub::ReserveSpi, to_proto(action), reply);
    if (!status.ok()) return SpiReservationFailed{action.request_id, status.message()};
    return SpiReserved{action.request_id, reply.spi()};
  }

  std::optional<Event> perform(const InstallSa& action) {
    proto::InstallSaRequest request = to_proto(action);
    proto::InstallSaReply reply;
    const Status status = call(&proto::Driver::Stub::InstallSa, request, reply);
    rpc::wipe_keys(request);
    if (!status.ok()) return SaInstallFailed{action.request_id, status.message()};
    return SaInstalled{action.request_id};
  }

  std::optional<Event> perform(const DeleteSa& action) {
    proto::DeleteSaReply reply;
    log_failure("delete_sa_failed", call(&proto::Driver::Stub::DeleteSa, to_proto(action), reply));
    return std::nullopt;
  }

  std::optional<Event> perform(const MovePeer& action) {
    proto::MovePeerReply reply;
    log_failure("move_peer_failed", call(&proto::Driver::Stub::MovePeer, to_proto(action), reply));
    return std::nullopt;
  }

  std::optional<Event> perform(const AcquireFailed& action) {
    proto::AcquireFailedReply reply;
    log_failure("acquire_failed_failed", call(&proto::Driver::Stub::AcquireFailed, to_proto(action), reply));
    return std::nullopt;
  }

  template <typename Request, typename Reply>
  Status call(grpc::Status (proto::Driver::Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
              const Request& request, Reply& reply) {
    grpc::ClientContext context;
    rpc::set_patience(context, kDriverPatience);
    if (!set_cancellable(call_, &context)) return unavailable("the IKE service stops");
    const grpc::Status status = (stub_.get()->*method)(&context, request, &reply);
    set_cancellable(call_, nullptr);
    return rpc::from_grpc(status);
  }

  static void log_failure(std::string_view name, const Status& status) {
    if (!status.ok()) daemon::log(daemon::LogLevel::kWarning, name, {{"reason", status.message()}});
  }

  void answer_failure(const DriverCall& call, const std::string& text) {
    if (const auto* reserve = std::get_if<ReserveSpi>(&call)) {
      receiver_.event(SpiReservationFailed{reserve->request_id, text});
    } else if (const auto* install = std::get_if<InstallSa>(&call)) {
      receiver_.event(SaInstallFailed{install->request_id, text});
    }
  }

  // --- The stream of the driver's requests, on another thread ---

  void watch() {
    while (!is_stopping()) {
      if (!channel_->WaitForConnected(std::chrono::system_clock::now() + kDriverRetry)) {
        unreachable_ = true;
        continue;
      }
      greet_driver();
      ask_capabilities();
      take_over_sas();
      receiver_.connection(true);
      read_requests();
      if (is_stopping()) return;
      receiver_.connection(false);
      pause();
    }
  }

  // A unix socket is lost only when its server ends. A server that could not be reached, or has made another socket,
  // has nothing of what IKE told it.
  void greet_driver() {
    const SocketIdentity socket = identify(socket_path_);
    const bool restarted = met_before_ && (unreachable_ || socket != socket_);
    met_before_ = true;
    unreachable_ = false;
    socket_ = socket;
    if (!restarted) return;
    sas_taken_over_ = true;
    {
      const std::lock_guard lock(mutex_);
      ++driver_life_;
      calls_.clear();
    }
    receiver_.event(DriverRestarted{});
  }

  // A driver that does not know the question can carry plain ESP only.
  void ask_capabilities() {
    grpc::ClientContext context;
    rpc::set_patience(context, kDriverPatience);
    if (!set_cancellable(stream_, &context)) return;
    proto::DriverCapabilities reply;
    const grpc::Status status = stub_->GetCapabilities(&context, proto::GetCapabilitiesRequest(), &reply);
    set_cancellable(stream_, nullptr);
    const DriverCapable capable = status.ok() ? DriverCapable{reply.ah(), reply.udp_encapsulation()} : DriverCapable{};
    if (capable == capable_) return;
    capable_ = capable;
    receiver_.event(capable);
  }

  // What an IKE service that ended without a word has left in the driver; once in the life of this one.
  void take_over_sas() {
    if (sas_taken_over_) return;
    grpc::ClientContext context;
    rpc::set_patience(context, kDriverPatience);
    if (!set_cancellable(stream_, &context)) return;
    proto::ListSasReply reply;
    const grpc::Status status = stub_->ListSas(&context, proto::ListSasRequest(), &reply);
    set_cancellable(stream_, nullptr);
    auto found = status.ok() ? from_proto(reply) : Result<DriverSasFound>(rpc::from_grpc(status));
    if (!found.ok()) {
      report("driver_sas_unknown", Severity::kWarning,
             fmt::format("the SAs that the driver already has are not known and end with their lifetimes: {}",
                         found.status().message()));
      return;
    }
    sas_taken_over_ = true;
    if (!found->sas.empty()) receiver_.event(std::move(found).value());
  }

  void read_requests() {
    grpc::ClientContext context;
    if (!set_cancellable(stream_, &context)) return;
    const auto reader = stub_->WatchRequests(&context, proto::WatchRequestsRequest());
    proto::DriverRequest request;
    std::uint64_t lost = 0;
    while (reader->Read(&request)) {
      report_lost(request.dropped(), lost);
      auto event = from_proto(request);
      if (event.ok()) {
        receiver_.event(std::move(event).value());
      } else {
        report("driver_request_refused", Severity::kError, event.status().message());
      }
    }
    const Status status = rpc::from_grpc(reader->Finish());
    set_cancellable(stream_, nullptr);
    if (status.code() == ErrorCode::kUnavailable) unreachable_ = true;
  }

  void report_lost(std::uint64_t dropped, std::uint64_t& lost) {
    if (dropped <= lost) return;
    report("driver_requests_lost", Severity::kWarning,
           fmt::format("the driver lost {} requests for SAs because IKE was too slow", dropped - lost));
    lost = dropped;
  }

  void report(std::string name, Severity severity, std::string text) {
    receiver_.report(ReportEvent{std::move(name), severity, std::move(text), {}});
  }

  void pause() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDriverRetry, [this] { return stopping_; });
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  // Makes a call known to the destructor, which ends it. False when it is too late to begin.
  bool set_cancellable(grpc::ClientContext*& place, grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    place = context;
    return !stopping_;
  }

  const std::string socket_path_;
  const Receiver receiver_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<proto::Driver::Stub> stub_;

  // Of the watcher's thread.
  bool met_before_ = false;
  bool sas_taken_over_ = false;
  DriverCapable capable_;
  bool unreachable_ = false;
  SocketIdentity socket_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<DriverCall> calls_;
  bool calling_ = false;
  bool stopping_ = false;
  std::uint64_t driver_life_ = 0;
  grpc::ClientContext* call_ = nullptr;
  grpc::ClientContext* stream_ = nullptr;

  std::jthread caller_;
  std::jthread watcher_;
};

DriverClient::DriverClient(std::string socket_path, Receiver receiver)
    : implementation_(std::make_unique<Implementation>(std::move(socket_path), std::move(receiver))) {}

DriverClient::~DriverClient() = default;

void DriverClient::submit(DriverCall call) { implementation_->submit(std::move(call)); }

void DriverClient::finish(std::chrono::milliseconds patience) { implementation_->finish(patience); }

}  // namespace ipsec::ike
