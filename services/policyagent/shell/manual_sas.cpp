#include "services/policyagent/shell/manual_sas.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/common/daemon/clock.h"
#include "services/common/rpc/convert.h"
#include "services/common/rpc/wipe_keys.h"
#include "services/policyagent/core/limits.h"
#include "services/policyagent/shell/limits.h"
#include "services/policyagent/shell/manual_sa_messages.h"

namespace ipsec::agent {
namespace {

namespace proto = ::policyagent::v1;

std::string name_of(const ManualSa& sa) {
  return fmt::format("manual SA {:#010x} {} {}", sa.spi, sa.direction == Direction::kOutbound ? "to" : "from",
                     sa.peer().to_string());
}

Status install(DriverClient& driver, const ManualSa& sa, const ManualSaRest& rest) {
  proto::InstallSaRequest request = to_install_request(sa, rest);
  const Status status = driver.install_sa(request);
  rpc::wipe_keys(request);
  return status;
}

const proto::SaStatus* find(const proto::ListSasReply& listed, const proto::Sa& identity) {
  for (const proto::SaStatus& status : listed.sas()) {
    if (is_same(status.sa(), identity)) return &status;
  }
  return nullptr;
}

bool is_meant(const proto::Sa& sa, std::uint32_t spi, const IpAddress* peer) {
  const bool has_spi = spi == 0 || sa.spi() == spi || (sa.has_ah() && sa.ah().spi() == spi);
  const proto::Address& far = sa.direction() == proto::DIRECTION_OUTBOUND ? sa.destination() : sa.source();
  return has_spi && (peer == nullptr || far.octets() == rpc::to_proto(*peer).octets());
}

}  // namespace

ManualSas::ManualSas(DriverClient& driver, EventLog& events)
    : driver_(driver), events_(events), watcher_([this] { watch(); }) {}

ManualSas::~ManualSas() {
  stop();
  watcher_.join();
}

void ManualSas::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void ManualSas::driver_connected() {
  {
    const std::lock_guard lock(mutex_);
    look_now_ = true;
  }
  changed_.notify_all();
}

Result<store::Problems> ManualSas::add(ManualSa sa) {
  const std::lock_guard lock(entries_mutex_);
  std::vector<const ManualSa*> others;
  for (const Entry& entry : entries_) others.push_back(&entry.sa);
  store::Problems problems;
  const auto complain = [&](std::uint32_t code, std::string field, std::string text) {
    problems.push_back({code, fmt::format("manual SA {:#010x}", sa.spi), std::move(field), std::move(text), 0});
  };
  for (ManualSaComplaint& complaint : check(sa, others)) {
    complain(store::kManualSaInvalid, std::move(complaint.field), std::move(complaint.text));
  }
  if (entries_.size() >= kMaxManualSas) {
    complain(store::kTooMany, "", fmt::format("there are {} manual SAs, that is the limit", entries_.size()));
  }
  if (!problems.empty()) return problems;
  const Status status = install(driver_, sa, {0, sa.lifetime_seconds, sa.lifetime_kilobytes});
  if (status.code() == ErrorCode::kUnavailable) {
    unwanted_.push_back(to_identity(sa));
    wake();
    return status;
  }
  std::erase_if(unwanted_, [&](const proto::Sa& unwanted) { return is_same(unwanted, to_identity(sa)); });
  if (status.code() == ErrorCode::kAlreadyExists) {
    complain(store::kManualSaExists, "spi",
             fmt::format("{}; another one, of both ends, would be accepted", status.message()));
  } else if (!status.ok()) {
    complain(store::kManualSaInvalid, "", status.message());
  }
  if (!problems.empty()) return problems;
  events_.add(Severity::kInformation, "manual_sa_added", fmt::format("{} is in force", name_of(sa)),
              {{"spi", fmt::format("{:08x}", sa.spi)}, {"peer", sa.peer().to_string()}});
  entries_.push_back({std::move(sa), {daemon::monotonic_now()}});
  wake();
  return problems;
}

void ManualSas::wake() {
  {
    const std::lock_guard lock(mutex_);
    has_any_ = true;
  }
  changed_.notify_all();
}

Result<std::uint32_t> ManualSas::remove(std::uint32_t spi, const IpAddress* peer) {
  const std::lock_guard lock(entries_mutex_);
  IPSEC_ASSIGN_OR_RETURN(const proto::ListSasReply listed, driver_.list_manual_sas());
  // First, so that none is given again of which only half could be deleted. A driver that has just started may not have
  // them yet.
  const auto forgotten = std::erase_if(entries_, [&](const Entry& entry) {
    const bool has_spi = spi == 0 || entry.sa.spi == spi || (entry.sa.is_bundle() && entry.sa.ah_spi == spi);
    return has_spi && (peer == nullptr || entry.sa.peer() == *peer);
  });
  std::erase_if(adopted_, [&](const proto::Sa& sa) { return is_meant(sa, spi, peer); });
  std::uint32_t removed = 0;
  for (const proto::SaStatus& status : listed.sas()) {
    if (!is_meant(status.sa(), spi, peer)) continue;
    IPSEC_RETURN_IF_ERROR(driver_.delete_sa(to_delete_request(status.sa())));
    ++removed;
    events_.add(Severity::kInformation, "manual_sa_deleted",
                fmt::format("manual SA {:#010x} is deleted", status.sa().spi()),
                {{"spi", fmt::format("{:08x}", status.sa().spi())}});
  }
  return std::max(removed, static_cast<std::uint32_t>(forgotten));
}

void ManualSas::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto is_due = [this] { return stopping_ || look_now_; };
    if (has_any_) {
      changed_.wait_for(lock, limits::kManualSaCheck, is_due);
    } else {
      changed_.wait(lock, [&] { return is_due() || has_any_; });
      if (!is_due()) continue;
    }
    const bool is_new_driver = std::exchange(look_now_, false);
    if (stopping_) continue;
    lock.unlock();
    synchronise(is_new_driver);
    lock.lock();
  }
}

void ManualSas::synchronise(bool is_new_driver) {
  const std::lock_guard lock(entries_mutex_);
  take_back_unwanted();
  const auto listed = driver_.list_manual_sas();
  if (!listed.ok()) return;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto current = entry++;
    if (const proto::SaStatus* status = find(*listed, to_identity(current->sa))) {
      current->use.last_sequence = status->last_sequence();
      current->use.bytes = status->bytes();
    } else if (!give_again(*current)) {
      entries_.erase(current);
    }
  }
  look_after_adopted(*listed, is_new_driver);
  const std::lock_guard guard(mutex_);
  has_any_ = !entries_.empty() || !adopted_.empty() || !unwanted_.empty();
}

// Whatever else the driver answers, it does not have the SA then.
void ManualSas::take_back_unwanted() {
  std::erase_if(unwanted_, [&](const proto::Sa& sa) {
    return driver_.delete_sa(to_delete_request(sa)).code() != ErrorCode::kUnavailable;
  });
}

// One that is gone from a driver that goes on has ended there, which is an event of the driver.
void ManualSas::look_after_adopted(const proto::ListSasReply& listed, bool is_new_driver) {
  for (const proto::Sa& sa : adopted_) {
    if (!is_new_driver || find(listed, sa) != nullptr) continue;
    events_.add(Severity::kError, "manual_sa_lost",
                fmt::format("manual SA {:#010x} is gone with the driver that had it, and its keys with the agent that "
                            "had them: add it again, on both sides with new keys",
                            sa.spi()),
                {{"spi", fmt::format("{:08x}", sa.spi())}});
  }
  adopted_.clear();
  for (const proto::SaStatus& status : listed.sas()) {
    const bool is_own = std::any_of(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return is_same(status.sa(), to_identity(entry.sa)); });
    if (!is_own) adopted_.push_back(status.sa());
  }
}

// False: its time is over.
bool ManualSas::give_again(Entry& entry) {
  const auto rest = rest_of(entry.sa, entry.use, daemon::monotonic_now());
  const std::vector<std::pair<std::string, std::string>> fields{{"spi", fmt::format("{:08x}", entry.sa.spi)},
                                                                {"peer", entry.sa.peer().to_string()}};
  if (!rest) {
    events_.add(Severity::kWarning, "manual_sa_ended",
                fmt::format("{} is used up, and the driver that started anew does not get it", name_of(entry.sa)),
                fields);
    return false;
  }
  const Status status = install(driver_, entry.sa, *rest);
  if (status.ok()) {
    // Bytes and seconds used so far are out of what is left; the driver counts anew.
    entry.sa.lifetime_seconds = rest->lifetime_seconds;
    entry.sa.lifetime_kilobytes = rest->lifetime_kilobytes;
    entry.use = {daemon::monotonic_now(), rest->last_sequence, 0};
    events_.add(Severity::kInformation, "manual_sa_given_again",
                fmt::format("{} is in force again, after sequence number {}", name_of(entry.sa), rest->last_sequence),
                fields);
  } else {
    events_.add(Severity::kError, "manual_sa_not_installed", fmt::format("{}: {}", name_of(entry.sa), status.message()),
                fields);
  }
  return true;
}

}  // namespace ipsec::agent
