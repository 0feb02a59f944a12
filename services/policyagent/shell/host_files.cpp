#include "services/policyagent/shell/host_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <sys/inotify.h>
#include <unistd.h>

namespace ipsec::agent {
namespace {

namespace fs = std::filesystem;

// A lease is a few hundred octets; dhclient keeps some dozens in a file.
constexpr std::uintmax_t kMaxLeaseFile = 4 * 1024 * 1024;
// Lease files of one folder: one or two for each interface.
constexpr std::size_t kMaxLeaseFiles = 1000;

void add(const std::string& text, std::vector<IpAddress>& servers) {
  // A link-local server is written with its interface: "fe80::1%eth0".
  const auto address = IpAddress::parse(text.substr(0, text.find('%')));
  if (address.ok() && std::find(servers.begin(), servers.end(), *address) == servers.end()) servers.push_back(*address);
}

// "10.0.0.1, 10.0.0.2" or "10.0.0.1 10.0.0.2"
void add_all(std::string text, std::vector<IpAddress>& servers) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream words(text);
  for (std::string word; words >> word;) add(word, servers);
}

// What one block of dhclient says.
struct Lease {
  std::string interface;
  std::string dhcp;
  std::string wins;
};

// "  option dhcp-server-identifier 10.0.0.1;" without indentation.
void read_statement(const std::string& line, Lease& lease) {
  std::string text = line.substr(0, line.find(';'));
  std::istringstream words(text);
  std::string keyword, option, value;
  words >> keyword;
  if (keyword == "interface") {
    words >> lease.interface;
  } else if (keyword == "option" && words >> option && std::getline(words, value)) {
    if (option == "dhcp-server-identifier") lease.dhcp = value;
    if (option == "netbios-name-servers") lease.wins = value;
  }
}

std::vector<std::string> folders(const HostFiles& files) {
  std::vector<std::string> found = files.lease_directories;
  std::error_code error;
  found.push_back(fs::path(files.resolver).parent_path().string());
  // A link to a file that the resolver's daemon writes.
  const fs::path target = fs::canonical(files.resolver, error);
  if (!error) found.push_back(target.parent_path().string());
  return found;
}

}  // namespace

void read_resolver(std::istream& lines, HostServers& servers) {
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string keyword, server;
    if (words >> keyword >> server && keyword == "nameserver") add(server, servers.dns);
  }
}

void read_lease(std::istream& lines, HostServers& servers) {
  std::map<std::string, Lease> leases;  // by interface; the newest stands last in the file
  Lease lease;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    line.erase(0, begin);
    if (line.starts_with("lease")) {
      lease = {};
    } else if (line.starts_with('}')) {
      leases[lease.interface] = lease;
    } else if (line.starts_with("SERVER_ADDRESS=")) {
      add(line.substr(line.find('=') + 1), servers.dhcp);
    } else {
      read_statement(line, lease);
    }
  }
  for (const auto& [interface, newest] : leases) {
    add_all(newest.dhcp, servers.dhcp);
    add_all(newest.wins, servers.wins);
  }
}

HostServers read_host_files(const HostFiles& files) {
  HostServers servers;
  std::ifstream resolver(files.resolver);
  read_resolver(resolver, servers);
  for (const std::string& directory : files.lease_directories) {
    std::error_code error;
    std::vector<fs::path> leases;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code unreadable;
      if (!entry->is_regular_file(unreadable) || entry->file_size(unreadable) > kMaxLeaseFile) continue;
      if (leases.size() < kMaxLeaseFiles) leases.push_back(entry->path());
    }
    std::sort(leases.begin(), leases.end());
    for (const fs::path& path : leases) {
      std::ifstream lease(path);
      read_lease(lease, servers);
    }
  }
  return servers;
}

HostFileWatch::HostFileWatch(HostFiles files)
    : files_(std::move(files)), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  rewatch();
}

void HostFileWatch::rewatch() {
  if (!inotify_.is_open()) return;
  for (const std::string& folder : folders(files_)) {
    // Watching a folder again is no error, and one that is not there is looked for the next time.
    inotify_add_watch(inotify_.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
  }
}

bool HostFileWatch::drain() {
  if (!inotify_.is_open()) return false;
  alignas(inotify_event) std::array<char, 4096> notices;
  bool news = false;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), notices.data(), notices.size());
    if (size > 0) {
      news = true;
    } else if (size == 0 || errno != EINTR) {
      return news;
    }
  }
}

}  // namespace ipsec::agent
