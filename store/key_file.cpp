#include "store/key_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "services/common/crypto/aes_gcm.h"
#include "store/private_file.h"
#include "store/sqlite.h"

namespace ipsec::store {

namespace {

constexpr std::int64_t kFirstSealingSchema = 2;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  bool valid() const { return value_ >= 0; }

 private:
  int value_;
};

Result<SecretBytes> read_octets(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return not_found(fmt::format("key file {} is not there", path));
  if (!file.valid()) return unavailable(fmt::format("key file {} cannot be opened: {}", path, std::strerror(errno)));
  SecretBytes key(kAesGcmKeySize + 1);
  std::size_t size = 0;
  while (size < key.size()) {
    const ssize_t got = ::read(file.get(), key.data() + size, key.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unavailable(fmt::format("key file {} cannot be read: {}", path, std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size != kAesGcmKeySize) {
    return invalid(fmt::format(
        "key file {} has {} octets; accepted are {} random ones", path,
        size > kAesGcmKeySize ? "more than " + std::to_string(kAesGcmKeySize) : std::to_string(size), kAesGcmKeySize));
  }
  key.resize(size);
  return key;
}

bool write_all(int file, ByteView octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(file, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

// Whole or not at all, and on the disk before anything is sealed with it. Never takes the place of another file.
Status write_new(const std::string& path, const SecretBytes& key) {
  const std::string draft = path + ".new";
  const auto cannot = [&] {
    return unavailable(fmt::format("key file {} cannot be made: {}", path, std::strerror(errno)));
  };
  ::unlink(draft.c_str());
  const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return cannot();
  if (!write_all(file.get(), key.view()) || ::fsync(file.get()) != 0 || ::link(draft.c_str(), path.c_str()) != 0) {
    Status status = cannot();
    ::unlink(draft.c_str());
    return status;
  }
  ::unlink(draft.c_str());
  const Descriptor folder(
      ::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::fsync(folder.get()) != 0) return cannot();
  return {};
}

// A store that cannot be looked into may hold some.
bool may_hold_sealed_keys(const std::string& store_path) {
  if (::access(store_path.c_str(), F_OK) != 0) return false;
  auto connection = Connection::open(store_path, Connection::Mode::kReadOnly);
  if (!connection.ok()) return true;
  const auto schema = (*connection)->integer("PRAGMA user_version");
  if (schema.ok() && *schema < kFirstSealingSchema) return false;
  const auto sealed = (*connection)
                          ->integer(
                              "SELECT EXISTS (SELECT 1 FROM rule_authentication WHERE psk_key IS NOT NULL) OR "
                              "EXISTS (SELECT 1 FROM default_rule_authentication WHERE psk_key IS NOT NULL)");
  return !sealed.ok() || *sealed != 0;
}

KeyFound lost(KeyFound found, std::string problem) {
  found.problem = std::move(problem);
  found.vault = KeyVault::without_key(found.problem);
  return found;
}

KeyFound read_checked(KeyFound found) {
  auto repaired = make_private(found.source);
  if (!repaired.ok()) return lost(std::move(found), "key file " + repaired.status().message());
  if (!repaired->empty()) found.repaired.push_back(*std::move(repaired));
  auto key = read_octets(found.source);
  if (!key.ok()) return lost(std::move(found), key.status().message());
  found.vault = KeyVault::with_key(*std::move(key), found.source);
  return found;
}

}  // namespace

KeyFound find_key(const KeyPlace& place, const std::string& store_path, RandomSource& random) {
  KeyFound found;
  if (!place.credentials_directory.empty()) {
    found.source = fmt::format("{}/{}", place.credentials_directory, kKeyCredential);
    // systemd's own modes: read-only, for this service alone.
    if (auto key = read_octets(found.source); key.ok()) {
      found.vault = KeyVault::with_key(*std::move(key), found.source);
      return found;
    } else if (key.status().code() != ErrorCode::kNotFound) {
      return lost(std::move(found), key.status().message());
    }
  }
  found.source = place.file;
  if (::access(place.file.c_str(), F_OK) == 0) return read_checked(std::move(found));
  if (may_hold_sealed_keys(store_path)) {
    return lost(
        std::move(found),
        fmt::format("key file {} is not there, and preshared keys in {} are sealed with it: bring it back, or make "
                    "a new one of {} random octets (mode 0600) and set the preshared keys again",
                    place.file, store_path, kAesGcmKeySize));
  }
  SecretBytes key(kAesGcmKeySize);
  random.fill(key.mutable_view());
  if (const Status status = write_new(place.file, key); !status.ok()) return lost(std::move(found), status.message());
  found.made = true;
  return read_checked(std::move(found));
}

KeyFound read_key(const std::string& file) {
  KeyFound found;
  found.source = file;
  if (::access(file.c_str(), F_OK) != 0) return lost(std::move(found), fmt::format("key file {} is not there", file));
  return read_checked(std::move(found));
}

}  // namespace ipsec::store
