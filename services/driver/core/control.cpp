#include "services/driver/core/control.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/driver/core/counters.h"
#include "services/driver/core/held_packets.h"
#include "services/driver/core/nat_filters.h"
#include "services/driver/core/packet_worker.h"
#include "services/driver/core/sad.h"

namespace ipsec::driver {

namespace {

// SFT-02. IKE asks for soft SAs by the policy it knows; the one in force here decides.
Status check_soft(const SaParameters& sa, const FilterTable& filters) {
  const FilterEntry* const entry = filters.find(sa.filter_id);
  const bool inbound = sa.direction == Direction::kInbound;
  // The inbound half only counts; a filter that is not mirrored has none for it.
  if (entry == nullptr && inbound && sa.filter_id == 0) return {};
  const bool allowed = entry != nullptr && entry->filter.direction == sa.direction &&
                       entry->filter.action == Action::kNegotiate && entry->filter.allow_soft &&
                       !entry->filter.is_tunnel() && entry->filter.selector.contains(sa.selector);
  if (allowed) return {};
  return invalid(fmt::format(
      "soft SA {:#010x} for {}: {}", sa.spi, sa.selector.to_string(),
      entry == nullptr ? "its filter is not in the policy" : "its filter does not let this traffic pass in clear"));
}

}  // namespace

class Control::Implementation {
 public:
  Implementation(RandomSource& random, Engines engines)
      : offload(engines.offload), sad(random, engines.forced), filters(*FilterTable::make({}, nullptr)) {}

  void policy_changed() {
    ++filter_generation;
    changed();
  }
  void changed() { snapshot = nullptr; }
  // The generation that the next snapshot will have.
  std::uint64_t next_generation() const { return generation + 1; }
  TablesPointer make_snapshot();
  void add_worker_numbers(Statistics& statistics) const;

  OffloadProvider* offload;
  Sad sad;
  HeldPackets held;
  NatFilters nat_filters;
  Policy policy;  // without its filters, which are in `filters`
  LinkSettings link;
  std::shared_ptr<const TraceRequest> trace;
  std::shared_ptr<const FilterTable> filters;
  TablesPointer snapshot;
  std::uint64_t generation = 0;
  std::uint64_t filter_generation = 1;
  // By engine index. Counters of workers that are gone stay, so that sums never fall.
  std::array<bool, kMaxEspWorkers> index_in_use{};
  std::array<std::shared_ptr<WorkerCounters>, kMaxEspWorkers> counters;
};

TablesPointer Control::Implementation::make_snapshot() {
  auto tables = std::make_shared<Tables>();
  tables->generation = ++generation;
  tables->filter_generation = filter_generation;
  tables->active = policy.active;
  tables->profile = policy.profile;
  tables->filters = filters;
  tables->sas = sad.table();
  tables->local_addresses.insert(policy.local_addresses.begin(), policy.local_addresses.end());
  tables->addresses_are_complete = policy.addresses_are_complete;
  tables->link = link;
  tables->exemptions = policy.exemptions;
  tables->boot = policy.boot;
  tables->trace = trace;
  return tables;
}

Control::Control(RandomSource& random, Engines engines)
    : implementation_(std::make_unique<Implementation>(random, engines)) {}
Control::~Control() = default;

Result<std::unique_ptr<Worker>> Control::make_worker(RandomSource& random, OwnAddresses* addresses) {
  auto& in_use = implementation_->index_in_use;
  const auto free = std::find(in_use.begin(), in_use.end(), false);
  if (free == in_use.end()) return exhausted(fmt::format("all {} workers are in use", in_use.size()));
  const auto index = static_cast<unsigned>(free - in_use.begin());
  auto& counters = implementation_->counters[index];
  if (counters == nullptr) counters = std::make_shared<WorkerCounters>();
  *free = true;
  return std::unique_ptr<Worker>(std::make_unique<PacketWorker>(index, random, implementation_->held,
                                                                implementation_->nat_filters, counters, addresses,
                                                                implementation_->offload, [free] { *free = false; }));
}

TablesPointer Control::tables() {
  if (implementation_->snapshot == nullptr) implementation_->snapshot = implementation_->make_snapshot();
  return implementation_->snapshot;
}

Result<std::vector<DriverEvent>> Control::set_policy(Policy policy) {
  if (!policy.active) policy.filters.clear();
  IPSEC_ASSIGN_OR_RETURN(auto filters,
                         FilterTable::make(std::exchange(policy.filters, {}), implementation_->filters.get()));
  return put_in_force(std::move(policy), std::move(filters));
}

Result<std::vector<DriverEvent>> Control::update_policy(PolicyUpdate update) {
  Policy settings = std::move(update.settings);
  if (update.base_version == 0) {
    if (update.inserted.size() != update.count || !update.removed.empty()) {
      return refused(fmt::format("policy: {} filters instead of {}", update.inserted.size(), update.count));
    }
    settings.filters = std::move(update.inserted);
    return set_policy(std::move(settings));
  }
  const std::uint64_t in_force = policy_version();
  if (update.base_version != in_force) {
    return refused(fmt::format("the change is for policy version {}, in force is {}", update.base_version, in_force));
  }
  IPSEC_ASSIGN_OR_RETURN(auto filters,
                         implementation_->filters->changed(update.removed, std::move(update.inserted), update.count));
  if (!settings.active) return set_policy(std::move(settings));
  return put_in_force(std::move(settings), std::move(filters));
}

std::vector<DriverEvent> Control::put_in_force(Policy settings, std::shared_ptr<const FilterTable> filters) {
  Implementation& self = *implementation_;
  const auto before = std::exchange(self.filters, std::move(filters));
  self.policy = std::move(settings);
  self.policy_changed();
  self.held.drop_unless([&](std::uint64_t id) {
    const FilterEntry* entry = self.filters->find(id);
    return entry != nullptr && entry->filter.action == Action::kNegotiate;
  });
  return self.policy.active ? self.sad.end_without_filter(*before, *self.filters)
                            : self.sad.end_all(SaEndReason::kPolicy);
}

std::shared_ptr<const FilterTable> Control::filters() const { return implementation_->filters; }

void Control::set_link(LinkSettings link) {
  if (link == implementation_->link) return;
  implementation_->link = std::move(link);
  implementation_->changed();
}

void Control::set_trace(std::shared_ptr<const TraceRequest> trace) {
  implementation_->trace = std::move(trace);
  implementation_->changed();
}

Result<std::uint32_t> Control::reserve_spi(SecurityProtocol protocol, const IpAddress& local, const IpAddress& peer,
                                           Timestamp now) {
  return implementation_->sad.reserve_spi(protocol, local, peer, now);
}

Status Control::install_sa(SaParameters parameters, Timestamp now) {
  Implementation& self = *implementation_;
  const bool outbound = parameters.direction == Direction::kOutbound;
  const bool manual = parameters.manual;
  const std::uint64_t filter_id = parameters.filter_id;
  const IpAddress peer = parameters.destination;
  if (parameters.soft) {
    IPSEC_RETURN_IF_ERROR(check_soft(parameters, *self.filters));
  }
  IPSEC_RETURN_IF_ERROR(self.sad.install(std::move(parameters), now));
  self.changed();
  // Which filters a manual SA serves, each packet finds out.
  if (outbound && manual) self.held.release(peer, self.next_generation(), now);
  if (outbound && !manual) self.held.release(filter_id, peer, self.next_generation(), now);
  return {};
}

bool Control::delete_sa(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer) {
  const bool existed = implementation_->sad.remove(spi, direction, protocol, peer);
  if (existed) implementation_->changed();
  return existed;
}

bool Control::move_peer(std::uint32_t spi, std::uint16_t port) { return implementation_->sad.move_peer(spi, port); }

bool Control::acquire_failed(std::uint64_t acquire_id, Timestamp now) {
  return implementation_->held.fail(acquire_id, now);
}

std::vector<Acquire> Control::pending_acquires() const { return implementation_->held.pending(); }

std::vector<DriverEvent> Control::tick(Timestamp now) {
  Implementation& self = *implementation_;
  const std::uint64_t before = self.sad.changes();
  std::vector<DriverEvent> events = self.sad.tick(now);
  if (self.sad.changes() != before) self.changed();
  self.held.tick(now);
  self.nat_filters.tick(now);
  return events;
}

bool Control::has_released_packets() const { return implementation_->held.has_released(); }
std::vector<Filter> Control::nat_filters() const { return implementation_->nat_filters.list(); }
std::vector<SaStatus> Control::list_sas(Timestamp now) const {
  return implementation_->sad.list(now, implementation_->link.mtu);
}
std::uint64_t Control::policy_version() const { return implementation_->policy.version; }
const std::string& Control::policy_name() const { return implementation_->policy.name; }
Profile Control::profile() const { return implementation_->policy.profile; }
BootMode Control::boot_mode() const { return implementation_->policy.boot.mode; }
const DiagnosticsSettings& Control::diagnostics() const { return implementation_->policy.diagnostics; }
bool Control::active() const { return implementation_->policy.active; }

void Control::Implementation::add_worker_numbers(Statistics& statistics) const {
  for (const auto& worker : counters) {
    if (worker == nullptr) continue;
    for (std::size_t i = 0; i < kVerdictCount; ++i) statistics.verdicts[i] += worker->verdicts[i].read();
    statistics.confidential_bytes_sent += worker->sent.confidential.read();
    statistics.confidential_bytes_received += worker->received.confidential.read();
    statistics.authenticated_bytes_sent += worker->sent.authenticated.read();
    statistics.authenticated_bytes_received += worker->received.authenticated.read();
    statistics.transport_bytes_sent += worker->sent.transport.read();
    statistics.transport_bytes_received += worker->received.transport.read();
    statistics.tunnel_bytes_sent += worker->sent.tunnel.read();
    statistics.tunnel_bytes_received += worker->received.tunnel.read();
    statistics.offloaded_bytes_sent += worker->sent.offloaded.read();
    statistics.offloaded_bytes_received += worker->received.offloaded.read();
  }
}

Statistics Control::statistics(FilterNumbers filters) const {
  const Implementation& self = *implementation_;
  Statistics statistics;
  const Sad::Numbers sas = self.sad.numbers();
  statistics.active_associations = sas.active;
  statistics.active_tunnels = sas.tunnels;
  statistics.offloaded_associations = sas.offloaded;
  statistics.pending_keys = sas.larval;
  statistics.key_additions = sas.added;
  statistics.key_deletions = sas.deleted;
  statistics.rekeys = sas.rekeyed;

  self.add_worker_numbers(statistics);
  const HeldPackets::Numbers held = self.held.numbers();
  for (std::size_t i = 0; i < kVerdictCount; ++i) statistics.verdicts[i] += held.dropped[i];
  statistics.held_packets = held.held;
  statistics.last_hold = held.last_hold;
  statistics.longest_hold = held.longest_hold;

  const auto packets = [&](Verdict verdict) { return statistics.verdicts[static_cast<std::size_t>(verdict)]; };
  statistics.bad_spi_packets = packets(Verdict::kInboundBadSpi);
  statistics.packets_not_decrypted = packets(Verdict::kInboundNotDecrypted);
  statistics.packets_not_authenticated =
      packets(Verdict::kInboundNotAuthentic) + packets(Verdict::kInboundOffloadFailed);
  statistics.packets_replayed = packets(Verdict::kInboundReplayed) + packets(Verdict::kInboundTooOld);
  if (filters == FilterNumbers::kLeaveOut) return statistics;
  for (const FilterEntryPointer& entry : self.filters->entries()) {
    statistics.filters.push_back({entry->filter.id, entry->counters->packets.load(std::memory_order_relaxed),
                                  entry->counters->bytes.load(std::memory_order_relaxed)});
  }
  const std::vector<FilterStatistics> of_nat = self.nat_filters.statistics();
  statistics.filters.insert(statistics.filters.end(), of_nat.begin(), of_nat.end());
  return statistics;
}

}  // namespace ipsec::driver
