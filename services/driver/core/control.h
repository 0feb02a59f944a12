#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/time.h"
#include "services/driver/core/events.h"
#include "services/driver/core/offload.h"
#include "services/driver/core/own_addresses.h"
#include "services/driver/core/policy.h"
#include "services/driver/core/sa.h"
#include "services/driver/core/statistics.h"
#include "services/driver/core/tables.h"
#include "services/driver/core/worker.h"

namespace ipsec::driver {

// The control side of the driver: policy, SAs, their ages, held packets. One thread calls it (or many under one lock),
// except where it says otherwise. After any call that may have changed something the shell takes tables() and hands the
// new snapshot to its workers; when has_released_packets(), it wakes one of them for process_released().
//
// Calls that return events return what IKE or the administrator must be told, in order.
class Control {
 public:
  // Who does the cryptography.
  struct Engines {
    std::optional<EspBackend> forced;    // see Sa::make()
    OffloadProvider* offload = nullptr;  // must outlive this object; null: none
  };
  // `random` chooses SPIs; it must outlive this object and is used by the calling thread only.
  explicit Control(RandomSource& random) : Control(random, Engines{}) {}
  Control(RandomSource& random, Engines engines);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // A worker for one thread; kExhausted beyond kMaxEspWorkers. `random` makes IVs: only that worker uses it, on its
  // thread (system_random() may be given to all). Worker and random source: the worker dies before this object, before
  // `random` and before `addresses` (null: nothing is known of the host's addresses).
  Result<std::unique_ptr<Worker>> make_worker(RandomSource& random, OwnAddresses* addresses = nullptr);
  // Cheap. The same pointer as long as nothing has changed.
  TablesPointer tables();

  // Refuses a policy as a whole (kInvalid: a filter without id, an id used twice, families that differ, more than
  // limits::kMaxFilters). Otherwise it replaces the old one: outbound SAs of filters that are gone end at once, inbound
  // ones run out. The same for filters that do not negotiate any more, or whose protection has changed. An inactive
  // policy ends all SAs and drops held packets.
  Result<std::vector<DriverEvent>> set_policy(Policy policy);
  // A whole policy or a difference; a difference costs what it touches. kRefused: it is the difference to another
  // policy than the one in force, which stays. Else as set_policy().
  Result<std::vector<DriverEvent>> update_policy(PolicyUpdate update);
  // Never null.
  std::shared_ptr<const FilterTable> filters() const;
  void set_link(LinkSettings link);
  // Traces packets from now on, in place of what was traced before; null: none.
  void set_trace(std::shared_ptr<const TraceRequest> trace);

  // A new larval SPI (DRV-14), unique among all inbound SPIs of this host. kExhausted when too many wait.
  Result<std::uint32_t> reserve_spi(SecurityProtocol protocol, const IpAddress& local, const IpAddress& peer,
                                    Timestamp now);
  // Inbound: the SPI must be larval with the same addresses. Outbound: the SA in use for its filter and peer from now
  // on; the one it replaces is removed, packets held for it are released. Manual ones (ARC-09): any SPI that is free;
  // used for their peer under any filter, until they are deleted. Errors: kInvalid (key length, suite without
  // integrity, addresses; a soft SA that its filter does not allow), kNotFound (SPI not larval), kAlreadyExists,
  // kExhausted.
  Status install_sa(SaParameters parameters, Timestamp now);
  // Whether there was one. `peer` counts for outbound SAs only. Larval SPIs can be deleted too (direction inbound).
  bool delete_sa(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer);
  // IKE has heard the peer of this inbound SA, which is in UDP, from another port, and it has proved who it is: both
  // halves of the pair go on with that port. False: there is no such SA.
  bool move_peer(std::uint32_t spi, std::uint16_t port);
  // Drops what is held for it and begins the back-off. Unknown ids (already served, policy gone) are no error: false.
  bool acquire_failed(std::uint64_t acquire_id, Timestamp now);
  // Those not yet served, oldest first, to be sent to an IKE that has just connected.
  std::vector<Acquire> pending_acquires() const;

  // Ages SAs, larval SPIs, acquires and learned path MTUs. Call about once a second.
  std::vector<DriverEvent> tick(Timestamp now);

  // Any thread.
  bool has_released_packets() const;

  std::vector<SaStatus> list_sas(Timestamp now) const;
  // What nat_filters.h makes beside the filters of the policy.
  std::vector<Filter> nat_filters() const;
  enum class FilterNumbers { kInclude, kLeaveOut };
  Statistics statistics(FilterNumbers filters = FilterNumbers::kInclude) const;
  std::uint64_t policy_version() const;
  const std::string& policy_name() const;
  Profile profile() const;
  BootMode boot_mode() const;
  const DiagnosticsSettings& diagnostics() const;
  // A policy is in force (DRV-01): the shell attaches to the interfaces exactly then.
  bool active() const;

 private:
  class Implementation;
  std::vector<DriverEvent> put_in_force(Policy settings, std::shared_ptr<const FilterTable> filters);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace ipsec::driver
