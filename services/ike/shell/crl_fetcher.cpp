#include "services/ike/shell/crl_fetcher.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/crypto/require.h"
#include "services/common/daemon/clock.h"
#include "services/ike/certificates/limits.h"
#include "services/ike/certificates/openssl_error.h"
#include "services/ike/shell/limits.h"

namespace ipsec::ike {

namespace {

struct FreeHttp {
  void operator()(OSSL_HTTP_REQ_CTX* request) const { OSSL_HTTP_REQ_CTX_free(request); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
  void operator()(char* text) const { OPENSSL_free(text); }
};
template <typename T>
using Owner = std::unique_ptr<T, FreeHttp>;

struct Url {
  std::string host;
  std::string port;
  std::string path;
};

Result<Url> parse_url(const std::string& text) {
  int tls = 0;
  char* host = nullptr;
  char* port = nullptr;
  char* path = nullptr;
  const bool parsed =
      OSSL_HTTP_parse_url(text.c_str(), &tls, nullptr, &host, &port, nullptr, &path, nullptr, nullptr) == 1;
  const Owner<char> owners[] = {Owner<char>(host), Owner<char>(port), Owner<char>(path)};
  ERR_clear_error();
  if (!parsed || tls != 0) return invalid("only http://HOST[:PORT]/PATH is spoken here");
  return Url{host, port, path};
}

Status too_late() { return unavailable(fmt::format("no answer within {} s", kCrlPatience.count() / 1000)); }

// Until the socket is ready for `events`; an error when the time is over or the fetcher stops.
Status wait_for(int socket, short events, Timestamp deadline, int stop) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - daemon::monotonic_now()).count();
  if (left <= 0) return too_late();
  std::array<pollfd, 2> waiting{{{socket, events, 0}, {stop, POLLIN, 0}}};
  const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
  if (ready > 0 && (waiting[1].revents & POLLIN) != 0) return unavailable("the IKE service stops");
  return ready == 0 ? too_late() : Status();
}

Result<FileDescriptor> connect_to(const addrinfo& address, Timestamp deadline, int stop) {
  FileDescriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.number() < 0) return unavailable(std::strerror(errno));
  if (::connect(socket.number(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  if (errno != EINPROGRESS) return unavailable(std::strerror(errno));
  IPSEC_RETURN_IF_ERROR(wait_for(socket.number(), POLLOUT, deadline, stop));
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return unavailable(std::strerror(error));
  return socket;
}

Result<FileDescriptor> connect_to(const Url& url, Timestamp deadline, int stop) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); error != 0)
    return unavailable(fmt::format("{}: {}", url.host, gai_strerror(error)));
  const Owner<addrinfo> owner(found);
  Status last = unavailable("no address");
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    auto socket = connect_to(*each, deadline, stop);
    if (socket.ok()) return socket;
    last = socket.status();
  }
  return last;
}

Result<Bytes> exchange(int socket, const Url& url, Timestamp deadline, int stop) {
  const Owner<BIO> bio(BIO_new_socket(socket, BIO_NOCLOSE));
  const Owner<OSSL_HTTP_REQ_CTX> request(OSSL_HTTP_REQ_CTX_new(bio.get(), bio.get(), 0));
  const std::string host = url.port == "80" ? url.host : fmt::format("{}:{}", url.host, url.port);
  // The answer is DER (RFC 5280 section 4.2.1.13), which tells its own length.
  require(bio && request &&
          OSSL_HTTP_REQ_CTX_set_request_line(request.get(), 0, nullptr, nullptr, url.path.c_str()) == 1 &&
          OSSL_HTTP_REQ_CTX_add1_header(request.get(), "Host", host.c_str()) == 1 &&
          OSSL_HTTP_REQ_CTX_set_expected(request.get(), nullptr, 1, 0, 0) == 1);
  OSSL_HTTP_REQ_CTX_set_max_response_length(request.get(), kMaxCrlSize);
  for (;;) {
    const int done = OSSL_HTTP_REQ_CTX_nbio(request.get());
    if (done == 0) return unavailable(fmt::format("no revocation list came: {}", take_openssl_error()));
    if (done == 1) break;
    const short events = BIO_should_write(bio.get()) ? POLLOUT : POLLIN;
    IPSEC_RETURN_IF_ERROR(wait_for(socket, events, deadline, stop));
  }
  const char* data = nullptr;
  const long size = BIO_get_mem_data(OSSL_HTTP_REQ_CTX_get0_mem_bio(request.get()), &data);
  if (size <= 0) return unavailable("an empty answer");
  const ByteView octets = as_bytes({data, static_cast<std::size_t>(size)});
  return Bytes(octets.begin(), octets.end());
}

}  // namespace

Result<Bytes> fetch_over_http(const std::string& url, Timestamp deadline, int stop) {
  IPSEC_ASSIGN_OR_RETURN(const Url parsed, parse_url(url));
  IPSEC_ASSIGN_OR_RETURN(const FileDescriptor socket, connect_to(parsed, deadline, stop));
  return exchange(socket.number(), parsed, deadline, stop);
}

CrlFetcher::CrlFetcher() : stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (unsigned i = 0; i < kCrlFetchers; ++i) threads_.emplace_back([this] { work(); });
}

CrlFetcher::~CrlFetcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  require(::write(stop_.number(), &one, sizeof(one)) == sizeof(one));
  changed_.notify_all();
}

bool CrlFetcher::fetch(std::string url, Timestamp deadline, std::function<void(Result<Bytes>)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxCrlFetches) return false;
    waiting_.push_back({std::move(url), deadline, std::move(done)});
  }
  changed_.notify_one();
  return true;
}

void CrlFetcher::work() {
  for (;;) {
    Request next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    next.done(daemon::monotonic_now() < next.deadline ? fetch_over_http(next.url, next.deadline, stop_.number())
                                                      : Result<Bytes>(too_late()));
  }
}

}  // namespace ipsec::ike
