#include "services/policyagent/shell/manual_sas.h"

#include <algorithm>

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

const proto::SaStatus* find(const proto::ListSasReply& listed, const ManualSa& sa) {
  for (const proto::SaStatus& status : listed.sas()) {
    if (is_same(status.sa(), sa)) return &status;
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
  if (status.code() == ErrorCode::kUnavailable) return status;
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
  {
    const std::lock_guard guard(mutex_);
    has_entries_ = true;
  }
  changed_.notify_all();
  return problems;
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
  {
    const std::lock_guard guard(mutex_);
    has_entries_ = !entries_.empty();
  }
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
    if (has_entries_) {
      changed_.wait_for(lock, limits::kManualSaCheck, is_due);
    } else {
      changed_.wait(lock, [&] { return is_due() || has_entries_; });
      if (!is_due()) continue;
    }
    look_now_ = false;
    if (stopping_ || !has_entries_) continue;
    lock.unlock();
    synchronise();
    lock.lock();
  }
}

void ManualSas::synchronise() {
  const std::lock_guard lock(entries_mutex_);
  const auto listed = driver_.list_manual_sas();
  if (!listed.ok()) return;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto current = entry++;
    if (const proto::SaStatus* status = find(*listed, current->sa)) {
      current->use.last_sequence = status->last_sequence();
      current->use.bytes = status->bytes();
    } else if (!give_again(*current)) {
      entries_.erase(current);
    }
  }
  const std::lock_guard guard(mutex_);
  has_entries_ = !entries_.empty();
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
