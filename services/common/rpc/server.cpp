#include "services/common/rpc/server.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "services/common/account.h"
#include "services/common/rpc/ike_access.h"
#include "services/common/rpc/limits.h"

namespace ipsec::rpc {
namespace {

constexpr mode_t kDirectoryMode = 0750;

Status system_error(std::string_view action, const std::string& path) {
  return unavailable(fmt::format("cannot {} '{}': {}", action, path, std::strerror(errno)));
}

std::string lock_path(const std::string& socket_path) { return socket_path + ".lock"; }

Status check_path(const std::string& socket_path) {
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (socket_path.size() <= kLongest) return {};
  return invalid(
      fmt::format("socket path '{}' has {} characters, at most {} are possible: use a shorter runtime directory",
                  socket_path, socket_path.size(), kLongest));
}

Status make_directory(const std::string& socket_path) {
  const std::filesystem::path directory = std::filesystem::path(socket_path).parent_path();
  std::error_code error;
  if (directory.empty() || std::filesystem::is_directory(directory, error)) return {};
  std::filesystem::create_directories(directory.parent_path(), error);
  if (mkdir(directory.c_str(), kDirectoryMode) == 0 || errno == EEXIST) return {};
  return system_error("make the runtime directory", directory.string());
}

// "DEVICE INODE"; empty where there is no such file.
std::string identity_of(const std::string& program) {
  struct stat file {};
  if (stat(program.c_str(), &file) != 0) return {};
  return fmt::format("{} {}", file.st_dev, file.st_ino);
}

// What the holder of the lock has written; empty where nobody holds it.
std::string read_lock(const std::string& socket_path) {
  const int file = open(lock_path(socket_path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return {};
  char text[96] = {};
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0;
  const ssize_t size = held ? pread(file, text, sizeof(text), 0) : 0;
  close(file);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

bool name_process(const std::string& lock_file) {
  const std::string process = fmt::format("{}\n{}\n", getpid(), identity_of("/proc/self/exe"));
  const int file = open(lock_file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const bool written = write(file, process.data(), process.size()) == static_cast<ssize_t>(process.size());
  close(file);
  return written;
}

// The lock file stays when its holder ends; only the lock on it says that a process lives.
Result<int> lock_socket(const std::string& socket_path) {
  const std::string path = lock_path(socket_path);
  // Held for reading only: others rely on what it says, also after this process has given up its rights.
  const int file = open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return system_error("open", path);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    const Status failure = system_error("lock", path);
    close(file);
    if (!taken) return failure;
    return already_exists(
        fmt::format("socket '{}' is already served by process {}", socket_path, serving_process(socket_path)));
  }
  if (!name_process(path)) {
    const Status failure = system_error("write", path);
    close(file);
    return failure;
  }
  return file;
}

std::unique_ptr<grpc::Server> build(const std::string& socket_path, std::span<grpc::Service* const> services) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(kMaxMessageSize);
  builder.SetMaxSendMessageSize(kMaxMessageSize);
  for (grpc::Service* service : services) builder.RegisterService(service);
  const mode_t before = umask(0177);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  umask(before);
  return server;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const std::string& socket_path, SocketAccess access,
                                              std::span<grpc::Service* const> services) {
  IPSEC_RETURN_IF_ERROR(check_path(socket_path));
  IPSEC_RETURN_IF_ERROR(make_directory(socket_path));
  const std::optional<Account> ike = access == SocketAccess::kIke ? find_account(kIkeAccount) : std::nullopt;
  if (ike) IPSEC_RETURN_IF_ERROR(open_directory_to(*ike, std::filesystem::path(socket_path).parent_path()));
  IPSEC_ASSIGN_OR_RETURN(const int lock, lock_socket(socket_path));
  if (unlink(socket_path.c_str()) != 0 && errno != ENOENT) {
    const Status failure = system_error("remove the stale socket", socket_path);
    close(lock);
    return failure;
  }
  std::unique_ptr<Server> server(new Server(socket_path, lock, build(socket_path, services)));
  if (!server->server_) return unavailable(fmt::format("cannot listen on socket '{}'", socket_path));
  if (access == SocketAccess::kGroup && chmod(socket_path.c_str(), 0660) != 0) {
    return system_error("set the mode of", socket_path);
  }
  if (ike) IPSEC_RETURN_IF_ERROR(open_socket_to(*ike, socket_path));
  return server;
}

Server::Server(std::string socket_path, int lock, std::unique_ptr<grpc::Server> server)
    : socket_path_(std::move(socket_path)), lock_(lock), server_(std::move(server)) {}

Server::~Server() {
  shutdown(std::chrono::milliseconds(0));
  close(lock_);
}

void Server::shutdown(std::chrono::milliseconds grace) {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
  server_.reset();
  unlink(socket_path_.c_str());
}

int serving_process(const std::string& socket_path) { return std::atoi(read_lock(socket_path).c_str()); }

bool serves_from(const std::string& socket_path, const std::string& program) {
  const std::string held = read_lock(socket_path);
  const std::size_t first_line = held.find('\n');
  const std::string now = identity_of(program);
  if (held.empty() || now.empty()) return true;
  // Older programs name none.
  if (first_line == std::string::npos) return false;
  return held.substr(first_line + 1, held.find('\n', first_line + 1) - first_line - 1) == now;
}

}  // namespace ipsec::rpc
