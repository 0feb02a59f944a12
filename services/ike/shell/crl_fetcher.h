#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "services/common/bytes.h"
#include "services/common/result.h"
#include "services/common/time.h"
#include "services/ike/shell/file_descriptor.h"

// Fetches revocation lists over HTTP on threads of its own, because looking up a host name cannot be interrupted.
namespace ipsec::ike {

class CrlFetcher {
 public:
  CrlFetcher();
  // Interrupts what runs, but for a look-up of a name; forgets what waits.
  ~CrlFetcher();
  CrlFetcher(const CrlFetcher&) = delete;
  CrlFetcher& operator=(const CrlFetcher&) = delete;

  // `done` is called once, on a thread of the fetcher, by about `deadline`. At most kMaxCrlSize octets; no redirection
  // is followed and no proxy asked. False, and `done` is not called: too many wait.
  bool fetch(std::string url, Timestamp deadline, std::function<void(Result<Bytes>)> done);

 private:
  struct Request {
    std::string url;
    Timestamp deadline;
    std::function<void(Result<Bytes>)> done;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  bool stopping_ = false;
  FileDescriptor stop_;  // readable from the destructor on
  std::vector<std::jthread> threads_;
};

// One request, blocking. `stop`: a file that ends it once it is readable; -1: none.
Result<Bytes> fetch_over_http(const std::string& url, Timestamp deadline, int stop);

}  // namespace ipsec::ike
