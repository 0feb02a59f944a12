#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/rpc/event_queue.h"
#include "services/ike/core/engine.h"
#include "services/ike/shell/certificate_work.h"
#include "services/ike/shell/convert.h"
#include "services/ike/shell/driver_client.h"
#include "services/ike/shell/event_loop.h"
#include "services/ike/shell/exported_key.h"
#include "services/ike/shell/oakley_log.h"
#include "services/ike/shell/udp_sockets.h"
#include "services/ike/shell/worker_pool.h"

namespace ipsec::ike {

using AgentRequests = rpc::EventQueue<proto::IkeRequest>;
using KeyRecords = rpc::EventQueue<ExportedKey>;

// Gives the engine its events and the time and performs its actions. Everything is called on the loop's thread.
class EngineHost {
 public:
  // All of them must outlive the host, except `driver`, which is named later because it needs the host.
  // `log_path`: of the log of negotiations.
  EngineHost(EventLoop& loop, UdpSockets& sockets, WorkerPool& workers, RandomSource& random,
             rpc::EventBroadcaster<proto::Event>& events, IkePlaces places);

  // Before the loop runs. What is said to the driver before is lost.
  void set_driver(DriverClient& driver) { driver_ = &driver; }

  void handle(Event event);
  // A whole policy or the difference to the one in force. kRefused: older than that, or the difference to another one.
  Status change_policy(PolicyChange change);
  // What is asked of the agent, from now on and what still waits for an answer. Ends the queue opened before.
  std::shared_ptr<AgentRequests> open_requests();
  // Ends it for good.
  void close_requests();
  // The number of main mode SAs that were ended.
  std::uint32_t delete_main_modes(const DeleteRequested& request);
  std::vector<MainModeSaStatus> main_mode_sas() const;
  proto::ListFailedNegotiationsReply failed_negotiations() const;
  proto::IkeStatistics statistics() const;
  CertificateWork& certificates() { return certificates_; }
  // What a listing of certificates is made of, to be made on another thread.
  struct CertificatesAtHand {
    IkePolicy policy;  // without filters
    std::shared_ptr<const CertificateStore> store;
    CrlSource crls;
  };
  CertificatesAtHand certificates_at_hand();
  // Keys from now on, and of the main modes that are there. kRefused: somebody reads them already. Both say so in an
  // event.
  Result<std::shared_ptr<KeyRecords>> begin_key_export();
  void end_key_export();

  void set_driver_connected(bool connected);
  void report(const ReportEvent& event);
  // Is in force for the life of the process and true before anybody watches: everyone who begins to watch is told.
  void report_lasting(ReportEvent event);
  void greet(rpc::EventQueue<proto::Event>& watcher);

 private:
  void perform(Actions actions);
  void perform(const SendDatagram& action);
  void perform(const SendKeepAlive& action);
  void perform(const ReserveSpi& action) { driver_->submit(action); }
  void perform(InstallSa action);
  void perform(const DeleteSa& action);
  void perform(const MovePeer& action) { driver_->submit(action); }
  void perform(AcquireFailed action);
  void perform(const AskForFilter& action);
  void perform(const ReportEvent& action) { report(action); }
  void perform(ComputeDh action);
  void perform(ProveIdentity action) { certificates_.perform(std::move(action)); }
  void perform(VerifyPeer action) { certificates_.perform(std::move(action)); }
  void perform(const WriteLog& action);
  void perform(TellMainModeKey action);
  void read_socket(std::size_t index);
  void trace(std::string_view what, const Endpoint& local, const Endpoint& peer, ByteView datagram);
  void write_log(LogCategory category, std::string_view text);
  bool logs(LogCategory category, LogLevel level) const { return engine_.policy().log_levels.wants(category, level); }

  EventLoop& loop_;
  UdpSockets& sockets_;
  WorkerPool& workers_;
  RandomSource& random_;
  rpc::EventBroadcaster<proto::Event>& events_;
  DriverClient* driver_ = nullptr;
  std::shared_ptr<AgentRequests> requests_;  // null: nobody has listened yet
  std::shared_ptr<KeyRecords> key_records_;  // null: nobody exports keys
  OakleyLog log_;
  Engine engine_;
  bool driver_connected_ = false;
  std::vector<ReportEvent> lasting_;
  std::uint64_t event_sequence_ = 0;
  CertificateWork certificates_;
};

}  // namespace ipsec::ike
