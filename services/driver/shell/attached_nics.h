#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "services/driver/core/offload.h"
#include "services/driver/core/policy.h"
#include "services/driver/shell/attachment.h"
#include "services/driver/shell/event_log.h"
#include "services/driver/shell/netlink.h"
#include "services/driver/shell/worker_pool.h"

namespace ipsec::driver {

// Keeps the driver in front of the right NICs while they come, change and go. One thread at a time.
class AttachedNics {
 public:
  // `wanted`: names; empty: all (choose_nics). The references must outlive this object.
  // `offload`: null where there is no provider.
  AttachedNics(std::vector<std::string> wanted, std::unique_ptr<Attachment> attachment, Netlink netlink,
               WorkerPool& workers, EventLog& events, OffloadProvider* offload);

  // Brings what is attached in line with the NICs there are now; those that a dead process left shut stay so, or are
  // attached to. Does all it can; the error names what it could not, and the next call tries that again.
  enum class LeftShut : std::uint8_t { kStays, kIsReplaced };
  Status follow(LeftShut left_shut);
  // Leaves every NIC, also those that a dead process left blocked.
  Status release_all();

  // See Attachment.
  void set_has_tunnels(bool has) { attachment_->set_has_tunnels(has); }

  bool any() const { return !attached_.empty(); }
  // The last follow() or release_all() failed somewhere.
  bool incomplete() const { return !failures_.empty(); }
  std::vector<std::string> names() const;
  // The provider of offload of each, in the order of names(); empty: none (OFF-01).
  std::vector<std::string> offload_providers() const;
  // Of all attached NICs together.
  LinkSettings link_settings() const;

 private:
  Status attach(const Nic& nic);
  void bind(const Nic& nic, std::vector<PortPair> ports);
  Status update(const Nic& nic);
  Status repair(const Nic& nic);
  Status let_go(const Nic& nic);
  Status let_go_of_all_but(const std::vector<Nic>& kept, const std::vector<Nic>& present);
  void note_missing(const std::vector<Nic>& chosen);
  void note_unprotected(const std::vector<Nic>& present);
  // Remembers a failure, and reports one that is new.
  void note_failure(const char* event, const Nic& nic, const Status& status);

  const std::vector<std::string> wanted_;
  const std::unique_ptr<Attachment> attachment_;
  Netlink netlink_;
  WorkerPool& workers_;
  EventLog& events_;
  OffloadProvider* const offload_;
  std::map<std::uint32_t, Nic> attached_;  // by index
  std::map<std::uint32_t, OffloadCapabilities> capabilities_;
  std::map<std::string, std::string> failures_;  // NIC name -> error, of the last call
  std::map<std::string, std::string> earlier_failures_;
  std::set<std::string> unprotected_;
  std::vector<std::string> missing_;
};

}  // namespace ipsec::driver
