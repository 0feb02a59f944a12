#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/driver/core/control.h"
#include "services/driver/core/diagnostics.h"
#include "services/driver/shell/address_watch.h"
#include "services/driver/shell/attached_nics.h"
#include "services/driver/shell/event_log.h"
#include "services/driver/shell/look_aside_threads.h"
#include "services/driver/shell/packet_traces.h"
#include "services/driver/shell/request_stream.h"
#include "services/driver/shell/worker_pool.h"

namespace ipsec::driver {

struct DriverState {
  Statistics statistics;
  std::uint64_t policy_version = 0;
  BootMode boot_mode = BootMode::kNone;
  Profile profile = Profile::kModern;
  std::vector<std::string> interfaces;  // attached to
  std::uint64_t lost_to_wire = 0;       // packets that a full queue or a vanished device swallowed
  std::uint64_t lost_to_host = 0;
  std::string_view crypto_engine;    // of SAs installed from now on, as far as it has their algorithms
  std::vector<std::string> offload;  // provider of each of `interfaces`; empty: none
};

// The driver as one object: the core's control side under a lock, the worker threads, the NICs and the streams. All
// members are safe from any thread.
class Driver {
 public:
  struct Settings {
    std::vector<std::string> interfaces;  // empty: all but lo
    unsigned workers = 1;
    std::optional<EspBackend> engine;  // nullopt: the fastest
    unsigned look_aside = 0;           // threads of the look-aside provider of offload; 0: no provider
  };
  // `random` must outlive the driver and be safe from any thread.
  static Result<std::unique_ptr<Driver>> create(Settings settings, RandomSource& random,
                                                std::unique_ptr<Attachment> attachment);
  // Does not detach: see stop().
  ~Driver();

  // Puts a whole policy or a difference in force and attaches or detaches accordingly. kInvalid: refused, the old one
  // stays; kRefused as Control::update_policy(), and a boot mode that comes after the first policy. kUnavailable: in
  // force, but not in front of every NIC; attaching is tried again every second. Whether attached to any.
  Result<bool> update_policy(PolicyUpdate update);
  Result<std::uint32_t> reserve_spi(SecurityProtocol protocol, const IpAddress& local, const IpAddress& peer);
  Status install_sa(SaParameters parameters);
  bool delete_sa(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer);
  bool move_peer(std::uint32_t spi, std::uint16_t port);
  void acquire_failed(std::uint64_t acquire_id, const std::string& reason);

  std::shared_ptr<RequestQueue> open_requests();
  std::shared_ptr<rpc::EventQueue<Event>> watch_events() { return events_.watch(); }
  // Traces packets from now on. Requires 1 <= count <= limits::kMaxTraces.
  std::shared_ptr<TraceQueue> open_trace(std::optional<IpAddress> source, std::optional<IpAddress> destination,
                                         std::uint32_t count);
  // Without effect when another trace has begun since.
  void close_trace(const std::shared_ptr<TraceQueue>& queue);
  // What would become of a packet now. Requires addresses of one family and a protocol other than 0.
  TracedPacket explain(Direction direction, const FiveTuple& packet);
  std::vector<SaStatus> list_sas();
  std::vector<Filter> nat_filters();
  DriverState state(Control::FilterNumbers filters = Control::FilterNumbers::kInclude);

  // About once a second.
  void tick();
  // Something about the NICs has changed.
  void nics_changed();
  // Orderly end: detaches, ends the streams. No policy is taken afterwards.
  void stop();

 private:
  Driver(const Settings& settings, RandomSource& random, Netlink routes);
  Status start_workers(unsigned count, RandomSource& random);
  // What decides on packets. Before the first policy, NICs that a dead process left shut stay so, also in a boot mode.
  enum class Phase : std::uint8_t { kNothing, kBootMode, kPolicy };

  // These require the lock.
  Status check_boot_mode(const Policy& settings) const;
  Result<bool> follow_change(const std::vector<DriverEvent>& events);
  void report_change();
  void report_drops();
  Status follow_policy();
  void link_changed();
  void publish();

  // These are called by worker threads too.
  void distribute(const std::vector<DriverEvent>& events);
  std::uint32_t route(const IpAddress& destination);

  std::mutex mutex_;
  EventLog events_;
  RequestStream requests_;
  PacketTraces traces_;
  const std::optional<EspBackend> engine_;
  std::unique_ptr<LookAside> look_aside_;  // null: no provider
  Control control_;
  TablesPointer published_;
  LinkSettings link_;
  bool stopped_ = false;
  Phase phase_ = Phase::kNothing;
  Diagnostics diagnostics_;

  std::mutex routes_mutex_;
  Netlink routes_;

  std::vector<std::unique_ptr<AddressWatch>> address_watches_;  // one for each worker
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<AttachedNics> nics_;
  std::unique_ptr<LookAsideThreads> helpers_;  // last: they wake workers
};

}  // namespace ipsec::driver
