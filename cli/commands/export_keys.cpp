#include <array>
#include <filesystem>

#include "cli/commands/running.h"
#include "cli/key_files.h"
#include "cli/limits.h"
#include "services/common/files.h"
#include "services/common/rpc/wipe_keys.h"

// `export keys`: what it takes to read captured negotiations and packets.
namespace ipsec::cli {

namespace {

constexpr std::string_view kWarning =
    "WARNING: with these keys anybody can read and forge what the SAs protect. Keep the files to yourself, delete them "
    "when\nthey are no longer needed, and end the SAs (delete sa all) if they may have been seen. The export is in the "
    "events.\n";

// Keys are not to get into a place that is somebody else's, nor over something that is there.
Status check_places(const std::string& directory, const std::array<std::string, 2>& files) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    return invalid(fmt::format("directory: '{}' is no directory{}", directory,
                               error ? fmt::format(": {}", error.message()) : std::string()));
  for (const std::string& file : files) {
    if (std::filesystem::exists(std::filesystem::symlink_status(file, error)))
      return refused(fmt::format("directory: '{}' is there already; move it away or name another directory", file));
  }
  return {};
}

}  // namespace

Outcome export_keys(const Command& command, Services& services) {
  const std::string directory = command.text("directory");
  const std::array<std::string, 2> files = {fmt::format("{}/{}", directory, kMainModeKeyFile),
                                            fmt::format("{}/{}", directory, kEspKeyFile)};
  if (const Status status = check_places(directory, files); !status.ok()) return failure(kFileFailed, status.message());
  const std::uint32_t seconds = command.number("seconds", kUsualKeySeconds);
  auto records = services.agent.export_keys(std::chrono::seconds(seconds));
  if (!records.ok()) return call_failed(services.agent, records.status());
  std::size_t left_out = 0;
  const SecretBytes main_mode = main_mode_key_lines(*records);
  const SecretBytes esp = esp_key_lines(*records, left_out);
  std::size_t main_modes = 0;
  for (proto::KeyRecord& record : *records) {
    main_modes += record.has_main_mode() ? 1 : 0;
    rpc::wipe_keys(record);
  }
  const std::size_t esps = records->size() - main_modes - left_out;
  for (const auto& [path, lines] : {std::pair(files[0], &main_mode), std::pair(files[1], &esp)}) {
    if (const Status status = write_private_file(path, lines->reveal_text()); !status.ok())
      return failure(kFileFailed, status.message());
  }
  std::string text =
      fmt::format("{}{}: {} main modes\n{}: {} SAs of ESP\n", kWarning, files[0], main_modes, files[1], esps);
  if (left_out != 0) text += fmt::format("{} SAs are left out: Wireshark has no name for their algorithms\n", left_out);
  return {text + fmt::format("tshark reads them from a profile's folder, or: tshark -o uat:{}:LINE -o uat:{}:LINE\n",
                             kMainModeKeyFile, kEspKeyFile)};
}

}  // namespace ipsec::cli
