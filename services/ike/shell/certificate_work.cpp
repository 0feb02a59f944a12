#include "services/ike/shell/certificate_work.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/common/daemon/clock.h"
#include "services/ike/shell/certificate_files.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

CertificateWork::CertificateWork(EventLoop& loop, WorkerPool& workers, IkePlaces places,
                                 std::function<void(Event)> answer, std::function<void(const ReportEvent&)> report)
    : loop_(loop),
      workers_(workers),
      places_(std::move(places)),
      answer_(std::move(answer)),
      report_(std::move(report)),
      store_(std::make_shared<const CertificateStore>()) {}

void CertificateWork::start() {
  cache_.emplace(places_.state.path + "/crl-cache", daemon::wall_clock_seconds());
  for (const std::string& problem : cache_->problems()) {
    report_({"crl_cache_problem", Severity::kWarning, fmt::format("{}: {}", places_.state.name, problem), {}});
  }
  take(std::make_shared<const CertificateStore>(read_certificates_of(places_.certificates)));
}

void CertificateWork::read_again() {
  workers_.post([this, &loop = loop_, place = places_.certificates, number = ++readings_] {
    auto store = std::make_shared<const CertificateStore>(read_certificates_of(place));
    loop.post([this, store, number] {
      // Workers may overtake each other.
      if (number > taken_) take(store);
      taken_ = std::max(taken_, number);
    });
  });
}

void CertificateWork::take(std::shared_ptr<const CertificateStore> store) {
  store_ = std::move(store);
  for (const std::string& problem : store_->problems)
    report_({"certificate_file_ignored", Severity::kWarning, problem, {}});
  report_({"certificates_read",
           Severity::kInformation,
           fmt::format("{}: {} own certificates, {} roots, {} revocation lists", store_->directory, store_->own.size(),
                       store_->roots.size(), store_->lists.size()),
           {}});
  // An administrator who has put something right does not want to wait.
  resting_.clear();
  answer_(CertificatesChanged{summary_of(*store_)});
}

CrlSource CertificateWork::lists(Timestamp now) {
  CrlSource source;
  for (const StoredCrl& local : store_->lists) source.lists.push_back(local.list);
  if (cache_) {
    for (Crl& cached : cache_->lists(daemon::wall_clock_seconds())) source.lists.push_back(std::move(cached));
  }
  std::erase_if(resting_, [&](const auto& one) { return one.second.until <= now; });
  for (const auto& [point, rest] : resting_) source.unavailable[point] = rest.why;
  return source;
}

template <typename Work>
void CertificateWork::begin(Work work) {
  const std::uint64_t id = next_job_++;
  Job& job = jobs_[id];
  job.work = std::move(work);
  job.store = store_;
  run(id);
}

void CertificateWork::perform(ProveIdentity action) {
  begin([action = std::make_shared<ProveIdentity>(std::move(action))](
            const CertificateStore& store, const CrlSource& crls, std::int64_t now) -> Result {
    auto result = prove(action->request, store, crls, now);
    if (auto* wanted = std::get_if<CrlsWanted>(&result)) return std::move(*wanted);
    IdentityProven proven{action->request_id, Refusal{}};
    if (auto* refusal = std::get_if<Refusal>(&result)) proven.result = std::move(*refusal);
    if (auto* proof = std::get_if<Proof>(&result)) proven.result = std::move(*proof);
    return Event(std::move(proven));
  });
}

void CertificateWork::perform(VerifyPeer action) {
  begin([action = std::make_shared<VerifyPeer>(std::move(action))](const CertificateStore& store, const CrlSource& crls,
                                                                   std::int64_t now) -> Result {
    auto result = verify_peer(action->claim, store, crls, now);
    if (auto* wanted = std::get_if<CrlsWanted>(&result)) return std::move(*wanted);
    PeerVerified verified{action->request_id, Refusal{}};
    if (auto* refusal = std::get_if<Refusal>(&result)) verified.result = std::move(*refusal);
    if (auto* peer = std::get_if<ProvenPeer>(&result)) verified.result = std::move(*peer);
    return Event(std::move(verified));
  });
}

void CertificateWork::run(std::uint64_t id) {
  Job& job = jobs_.at(id);
  job.deadline = kNever;
  job.awaited.clear();
  CrlSource source = lists(daemon::monotonic_now());
  for (const auto& [point, why] : job.unavailable) source.unavailable[point] = why;
  workers_.post([this, id, &loop = loop_, work = job.work, store = job.store, crls = std::move(source)] {
    auto result = std::make_shared<Result>(work(*store, crls, daemon::wall_clock_seconds()));
    loop.post([this, id, result] { finished(id, std::move(*result)); });
  });
}

void CertificateWork::finished(std::uint64_t id, Result result) {
  if (const auto* wanted = std::get_if<CrlsWanted>(&result)) return fetch(id, *wanted);
  jobs_.erase(id);
  answer_(std::get<Event>(std::move(result)));
}

void CertificateWork::fetch(std::uint64_t id, const CrlsWanted& wanted) {
  Job& job = jobs_.at(id);
  const Timestamp now = daemon::monotonic_now();
  job.deadline = now + kCrlPatience;
  for (const std::string& point : wanted.points) {
    // Whatever comes of it, this job does not ask again.
    job.unavailable[point] = fmt::format("no answer within {} s", kCrlPatience.count() / 1000);
    if (!fetching_.contains(point)) {
      const bool taken =
          fetcher_.fetch(point, now + kCrlPatience, [this, &loop = loop_, point](ipsec::Result<Bytes> octets) {
            auto shared = std::make_shared<ipsec::Result<Bytes>>(std::move(octets));
            loop.post([this, point, shared] { fetched(point, std::move(*shared)); });
          });
      if (!taken) {
        job.unavailable[point] = "too many revocation lists are being fetched";
        continue;
      }
      fetching_.insert(point);
    }
    job.awaited.insert(point);
  }
  if (job.awaited.empty()) run(id);
}

void CertificateWork::keep(const std::string& point, const Bytes& octets, std::string& problem) {
  const auto list = Crl::parse(octets);
  if (!list.ok()) {
    problem = list.status().message();
  } else if (!list->is_current(daemon::wall_clock_seconds())) {
    problem = fmt::format("its list of {} runs until {}", list->last_update(), list->next_update());
  } else if (const Status kept = cache_->add(point, *list, octets); !kept.ok()) {
    report_({"crl_cache_problem",
             Severity::kWarning,
             fmt::format("{}: {}", places_.state.name, kept.message()),
             {{"point", point}}});
  }
}

void CertificateWork::fetched(const std::string& point, ipsec::Result<Bytes> octets) {
  fetching_.erase(point);
  std::string problem;
  if (octets.ok()) {
    keep(point, *octets, problem);
  } else {
    problem = octets.status().message();
  }
  if (!problem.empty()) {
    resting_[point] = {problem, daemon::monotonic_now() + kCrlPointRest};
    report_({"crl_unavailable", Severity::kWarning, fmt::format("{}: {}", point, problem), {{"point", point}}});
  } else {
    report_({"crl_fetched", Severity::kInformation, point, {{"point", point}}});
  }
  std::vector<std::uint64_t> ready;
  for (auto& [id, job] : jobs_) {
    if (job.awaited.erase(point) == 0) continue;
    job.unavailable[point] = problem.empty() ? "its list says nothing of this certificate" : problem;
    if (job.awaited.empty()) ready.push_back(id);
  }
  for (const std::uint64_t id : ready) run(id);
}

Timestamp CertificateWork::next_deadline() const {
  Timestamp next = kNever;
  for (const auto& [id, job] : jobs_) next = std::min(next, job.deadline);
  return next;
}

void CertificateWork::poll(Timestamp now) {
  std::vector<std::uint64_t> due;
  for (const auto& [id, job] : jobs_) {
    if (job.deadline <= now) due.push_back(id);
  }
  for (const std::uint64_t id : due) {
    // Looking up a name may hang longer than its fetch may take.
    for (const std::string& point : jobs_.at(id).awaited)
      resting_[point] = {jobs_.at(id).unavailable.at(point), now + kCrlPointRest};
    run(id);
  }
}

}  // namespace ipsec::ike
