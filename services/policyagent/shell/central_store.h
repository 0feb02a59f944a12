#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "services/common/crypto/random.h"
#include "services/common/time.h"
#include "store/policy_source.h"
#include "store/policy_store.h"

namespace ipsec::agent {

// The central store as the agent uses it: it may be slow or hang, so that every call runs on a thread of its own and is
// given up after `patience`.
class CentralStore {
 public:
  struct Settings {
    std::string uri;
    std::string scratch_directory;  // see store::SourceOptions
    store::KeyVault vault = store::KeyVault::clear();
    Duration patience{};
  };
  using Answer = Result<std::optional<store::SourcePolicy>>;
  using Pending = std::shared_future<Answer>;

  // kInvalid: the URI. `random` must outlive every call that hangs.
  static Result<std::unique_ptr<CentralStore>> make(Settings settings, RandomSource& random = system_random());

  // Over a source that is made already; administration goes to `settings.uri` all the same.
  static Result<std::unique_ptr<CentralStore>> over(Settings settings, std::shared_ptr<store::PolicySource> source,
                                                    RandomSource& random = system_random());

  const std::string& location() const { return settings_.uri; }
  const store::KeyVault& vault() const { return settings_.vault; }
  Duration patience() const { return settings_.patience; }

  // ---- retrieval; not for two threads at once ----

  // Asks for a policy newer than version `known`. `wake` (an eventfd) is told when there is an answer. kUnavailable
  // while an earlier question hangs.
  Result<Pending> ask(std::string known, int wake);
  // True once after a question that was given up has been answered: the store is back.
  bool came_back();

  // ---- administration: from any thread; each waits for the store, at most `patience` ----

  // Everything in it; nothing where the file is still to be made, in a directory that is there.
  Result<store::PolicyTree> read();
  // The only calls that write the central store. A time-out leaves open whether the change was made.
  Result<store::Problems> change(std::function<Result<store::Problems>(store::PolicyStore&)> make);

 private:
  CentralStore(Settings settings, std::string path, std::shared_ptr<store::PolicySource> source, RandomSource& random);
  template <typename T>
  Result<T> within_patience(std::function<Result<T>()> work);
  std::string no_answer() const;

  const Settings settings_;
  const std::string path_;
  const std::shared_ptr<store::PolicySource> source_;
  RandomSource& random_;
  Pending asked_;
  const std::shared_ptr<std::atomic<int>> hanging_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace ipsec::agent
