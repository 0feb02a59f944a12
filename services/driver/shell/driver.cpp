#include "services/driver/shell/driver.h"

#include <algorithm>

#include "services/common/daemon/clock.h"
#include "services/driver/core/probe.h"

namespace ipsec::driver {
namespace {

using daemon::monotonic_now;

std::string_view to_string(BootMode mode) {
  constexpr std::string_view kWords[] = {"none", "stateful", "block", "permit"};
  return kWords[static_cast<std::size_t>(mode)];
}

}  // namespace

Result<std::unique_ptr<Driver>> Driver::create(Settings settings, RandomSource& random,
                                               std::unique_ptr<Attachment> attachment) {
  IPSEC_ASSIGN_OR_RETURN(Netlink routes, Netlink::open());
  IPSEC_ASSIGN_OR_RETURN(Netlink interfaces, Netlink::open());
  if (settings.engine && !is_available(*settings.engine)) {
    return unavailable(fmt::format("{} is not available on this machine", name_of(*settings.engine)));
  }
  std::unique_ptr<Driver> driver(new Driver(settings, random, std::move(routes)));
  IPSEC_RETURN_IF_ERROR(driver->start_workers(settings.workers, random));
  driver->nics_ =
      std::make_unique<AttachedNics>(std::move(settings.interfaces), std::move(attachment), std::move(interfaces),
                                     *driver->workers_, driver->events_, driver->look_aside_.get());
  if (driver->look_aside_ != nullptr) {
    driver->helpers_ = std::make_unique<LookAsideThreads>(*driver->look_aside_, settings.look_aside, random);
  }
  return driver;
}

Driver::Driver(const Settings& settings, RandomSource& random, Netlink routes)
    : engine_(settings.engine),
      look_aside_(settings.look_aside == 0 ? nullptr : std::make_unique<LookAside>()),
      control_(random, {settings.engine, look_aside_.get()}),
      published_(control_.tables()),
      routes_(std::move(routes)) {}

Status Driver::start_workers(unsigned count, RandomSource& random) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < count; ++i) {
    IPSEC_ASSIGN_OR_RETURN(std::unique_ptr<AddressWatch> addresses, AddressWatch::open());
    IPSEC_ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker, control_.make_worker(random, addresses.get()));
    address_watches_.push_back(std::move(addresses));
    workers.push_back(std::move(worker));
  }
  workers_ = std::make_unique<WorkerPool>(
      std::move(workers), published_,
      WorkerPool::Functions{[this](const std::vector<DriverEvent>& events) { distribute(events); },
                            [this](const IpAddress& destination) { return route(destination); }});
  return {};
}

Driver::~Driver() = default;

Result<bool> Driver::update_policy(PolicyUpdate update) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return unavailable("the driver is stopping");
  IPSEC_RETURN_IF_ERROR(check_boot_mode(update.settings));
  IPSEC_ASSIGN_OR_RETURN(const std::vector<DriverEvent> events, control_.update_policy(std::move(update)));
  return follow_change(events);
}

Status Driver::check_boot_mode(const Policy& settings) const {
  if (settings.boot.mode == BootMode::kNone || phase_ != Phase::kPolicy) return {};
  return refused("policy.boot_mode: comes before the first policy or not at all");
}

Result<bool> Driver::follow_change(const std::vector<DriverEvent>& events) {
  const std::shared_ptr<const FilterTable> filters = control_.filters();
  events_.set_filters(filters);
  traces_.set_filters(filters);
  nics_->set_has_tunnels(filters->has_outbound_tunnels());
  phase_ = control_.boot_mode() == BootMode::kNone ? Phase::kPolicy : Phase::kBootMode;
  diagnostics_.set(control_.diagnostics(), control_.statistics(Control::FilterNumbers::kLeaveOut).verdicts,
                   monotonic_now());
  report_change();
  publish();
  distribute(events);
  const Status status = follow_policy();
  if (!status.ok()) {
    return with_context(status,
                        fmt::format("policy version {} is in force, but not everywhere", control_.policy_version()));
  }
  return nics_->any();
}

void Driver::report_change() {
  if (phase_ == Phase::kBootMode) {
    const std::string mode(to_string(control_.boot_mode()));
    events_.add("boot_mode_set", Severity::kInformation,
                fmt::format("Boot mode {} until the first policy is there", mode), {{"boot_mode", mode}});
    return;
  }
  const std::string& name = control_.policy_name();
  const std::uint64_t version = control_.policy_version();
  events_.add("policy_set", Severity::kInformation,
              control_.active() ? fmt::format("Policy '{}' version {} with {} filters", name, version,
                                              control_.filters()->entries().size())
                                : std::string("No policy is active"),
              {{"policy", name}, {"version", fmt::format("{}", version)}});
}

Status Driver::follow_policy() {
  if (phase_ == Phase::kNothing) return {};
  if (!control_.active()) return nics_->release_all();
  Status status =
      nics_->follow(phase_ == Phase::kBootMode ? AttachedNics::LeftShut::kStays : AttachedNics::LeftShut::kIsReplaced);
  link_changed();
  return status;
}

void Driver::link_changed() {
  LinkSettings link = nics_->link_settings();
  if (link == link_) return;
  link_ = link;
  control_.set_link(std::move(link));
  publish();
}

Result<std::uint32_t> Driver::reserve_spi(SecurityProtocol protocol, const IpAddress& local, const IpAddress& peer) {
  const std::lock_guard lock(mutex_);
  return control_.reserve_spi(protocol, local, peer, monotonic_now());
}

Status Driver::install_sa(SaParameters parameters) {
  const std::lock_guard lock(mutex_);
  Status status = control_.install_sa(std::move(parameters), monotonic_now());
  publish();
  return status;
}

bool Driver::delete_sa(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer) {
  const std::lock_guard lock(mutex_);
  const bool existed = control_.delete_sa(spi, direction, protocol, peer);
  publish();
  return existed;
}

bool Driver::move_peer(std::uint32_t spi, std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  return control_.move_peer(spi, port);
}

void Driver::acquire_failed(std::uint64_t acquire_id, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  const bool existed = control_.acquire_failed(acquire_id, monotonic_now());
  publish();
  if (!existed) return;
  events_.add("acquire_failed", Severity::kWarning, fmt::format("Packets held for an SA are dropped: {}", reason),
              {{"acquire", fmt::format("{}", acquire_id)}, {"reason", reason}});
}

std::shared_ptr<RequestQueue> Driver::open_requests() {
  const std::lock_guard lock(mutex_);
  return requests_.open(control_.pending_acquires());
}

std::shared_ptr<TraceQueue> Driver::open_trace(std::optional<IpAddress> source, std::optional<IpAddress> destination,
                                               std::uint32_t count) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<TraceQueue> queue = traces_.open(count);
  if (stopped_) traces_.close();
  control_.set_trace(std::make_shared<TraceRequest>(source, destination, count));
  publish();
  return queue;
}

void Driver::close_trace(const std::shared_ptr<TraceQueue>& queue) {
  const std::lock_guard lock(mutex_);
  if (!traces_.close(queue)) return;
  control_.set_trace(nullptr);
  publish();
}

TracedPacket Driver::explain(Direction direction, const FiveTuple& packet) {
  PacketTrace trace = workers_->explain(direction, make_probe(packet));
  trace.packet = packet;  // an inactive driver has not looked at it
  return traces_.named(std::move(trace));
}

std::vector<SaStatus> Driver::list_sas() {
  const std::lock_guard lock(mutex_);
  return control_.list_sas(monotonic_now());
}

std::vector<Filter> Driver::nat_filters() {
  const std::lock_guard lock(mutex_);
  return control_.nat_filters();
}

DriverState Driver::state(Control::FilterNumbers filters) {
  const std::lock_guard lock(mutex_);
  const EspBackend fastest = is_available(EspBackend::kMultiBuffer) ? EspBackend::kMultiBuffer : EspBackend::kOpenssl;
  return {control_.statistics(filters),
          control_.policy_version(),
          control_.boot_mode(),
          control_.profile(),
          nics_->names(),
          workers_->lost_to_wire(),
          workers_->lost_to_host(),
          name_of(engine_.value_or(fastest)),
          nics_->offload_providers()};
}

void Driver::tick() {
  const std::lock_guard lock(mutex_);
  const std::vector<DriverEvent> events = control_.tick(monotonic_now());
  publish();
  distribute(events);
  report_drops();
  if (!stopped_ && nics_->incomplete()) static_cast<void>(follow_policy());
}

void Driver::report_drops() {
  const Timestamp now = monotonic_now();
  if (!diagnostics_.is_due(now)) return;
  const auto drops = diagnostics_.report(control_.statistics(Control::FilterNumbers::kLeaveOut).verdicts, now);
  if (drops.empty()) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(control_.diagnostics().interval).count();
  std::string text = fmt::format("Packets dropped in {} s", seconds);
  std::vector<std::pair<std::string, std::string>> fields{{"seconds", fmt::format("{}", seconds)}};
  for (const Drops& drop : drops) {
    const VerdictInfo& row = info(drop.verdict);
    text += fmt::format("{} {} {} ({})", fields.size() == 1 ? ":" : ",", drop.packets, row.name, row.text);
    fields.emplace_back(std::string(row.name), fmt::format("{}", drop.packets));
  }
  events_.add("dropped_packets", Severity::kInformation, std::move(text), std::move(fields));
}

void Driver::nics_changed() {
  const std::lock_guard lock(mutex_);
  if (stopped_ || phase_ == Phase::kNothing || !control_.active()) return;
  // What fails is an event, and tried again by tick().
  static_cast<void>(follow_policy());
}

void Driver::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  const Status status = nics_->release_all();
  if (!status.ok()) events_.add("detach_failed", Severity::kError, status.message());
  requests_.close();
  traces_.close();
  events_.close();
}

void Driver::publish() {
  TablesPointer tables = control_.tables();
  if (tables != published_) {
    workers_->publish(tables);
    published_ = std::move(tables);
  }
  if (control_.has_released_packets()) workers_->wake_for_released();
}

namespace {

std::string text_of(const PathMtuLowered& lowered) {
  const std::string_view told = lowered.source == PathMtuSource::kProbe
                                    ? "larger packets vanish on the way and no router says so"
                                    : "so says a router on the way";
  return fmt::format("Packets to {} are at most {} octets long from now on: {}", lowered.peer.to_string(), lowered.mtu,
                     told);
}

}  // namespace

// Uses only what is safe from any thread: worker threads have no lock.
void Driver::distribute(const std::vector<DriverEvent>& events) {
  struct Distributor {
    Driver& driver;
    void operator()(const Acquire& acquire) const { driver.requests_.push(acquire); }
    void operator()(const RekeyNeeded& rekey) const { driver.requests_.push(rekey); }
    void operator()(const SaEnded& ended) const { driver.requests_.push(ended); }
    void operator()(const PeerMoved& moved) const { driver.requests_.push(moved); }
    void operator()(const PathMtuLowered& lowered) const {
      driver.events_.add("path_mtu_lowered", Severity::kInformation, text_of(lowered),
                         {{"peer", lowered.peer.to_string()}, {"mtu", fmt::format("{}", lowered.mtu)}});
    }
    void operator()(const ManualSaLimit& limit) const { driver.events_.add(limit); }
    void operator()(const PacketTrace& trace) const { driver.traces_.push(trace); }
    void operator()(const AuditEvent& audit) const { driver.events_.add(audit); }
  };
  for (const DriverEvent& event : events) std::visit(Distributor{*this}, event);
}

std::uint32_t Driver::route(const IpAddress& destination) {
  const std::lock_guard lock(routes_mutex_);
  const Result<std::uint32_t> index = routes_.interface_towards(destination);
  return index.ok() ? *index : 0;
}

}  // namespace ipsec::driver
