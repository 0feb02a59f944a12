#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "services/common/time.h"
#include "services/ike/certificates/authentication.h"
#include "services/ike/core/actions.h"
#include "services/ike/core/events.h"
#include "services/ike/shell/crl_cache.h"
#include "services/ike/shell/crl_fetcher.h"
#include "services/ike/shell/event_loop.h"
#include "services/ike/shell/ike_places.h"
#include "services/ike/shell/worker_pool.h"

namespace ipsec::ike {

// The certificates of this computer, and what the engine asks to be done with them. Everything is called on the loop's
// thread; choosing, signing and verifying run on workers, fetching on threads of its own.
class CertificateWork {
 public:
  // `answer` gets the events for the engine, `report` what an administrator should know. Loop and workers must outlive
  // this.
  CertificateWork(EventLoop& loop, WorkerPool& workers, IkePlaces places, std::function<void(Event)> answer,
                  std::function<void(const ReportEvent&)> report);

  // Reads the certificates and opens the cache; until then there are none. Blocking: before the loop runs.
  void start();
  // On a worker; what is under way goes on with the certificates it began with.
  void read_again();

  void perform(ProveIdentity action);
  void perform(VerifyPeer action);

  // When poll() must be called: a wait for revocation lists ends.
  Timestamp next_deadline() const;
  void poll(Timestamp now);

  std::shared_ptr<const CertificateStore> store() const { return store_; }
  // Local lists, cached ones, and distribution points that rest.
  CrlSource lists(Timestamp now);

 private:
  using Result = std::variant<Event, CrlsWanted>;
  struct Job {
    std::function<Result(const CertificateStore&, const CrlSource&, std::int64_t)> work;
    std::shared_ptr<const CertificateStore> store;
    std::map<std::string, std::string> unavailable;  // of this job: what its distribution points have come to
    std::set<std::string> awaited;                   // distribution points
    Timestamp deadline = kNever;                     // of that wait
  };
  struct Rest {
    std::string why;
    Timestamp until;
  };

  template <typename Work>
  void begin(Work work);
  void run(std::uint64_t id);
  void finished(std::uint64_t id, Result result);
  void fetch(std::uint64_t id, const CrlsWanted& wanted);
  void fetched(const std::string& point, ipsec::Result<Bytes> octets);
  void keep(const std::string& point, const Bytes& octets, std::string& problem);
  void take(std::shared_ptr<const CertificateStore> store);

  EventLoop& loop_;
  WorkerPool& workers_;
  IkePlaces places_;
  std::function<void(Event)> answer_;
  std::function<void(const ReportEvent&)> report_;
  std::shared_ptr<const CertificateStore> store_;
  std::optional<CrlCache> cache_;  // from start() on
  std::map<std::string, Rest> resting_;
  std::set<std::string> fetching_;
  std::map<std::uint64_t, Job> jobs_;
  std::uint64_t next_job_ = 1;
  CrlFetcher fetcher_;  // last: its threads end first
};

}  // namespace ipsec::ike
