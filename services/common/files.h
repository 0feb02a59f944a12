#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "services/common/result.h"

// Whole files. Errors name the path and the reason.
namespace ipsec {

// Refuses directories, and files of more than `most` bytes.
Result<std::string> read_file(const std::string& path, std::size_t most);

// Writes a new file of mode 0600 beside the old one and puts it in its place: it is there whole or not at all.
Status write_private_file(const std::string& path, std::string_view content);

}  // namespace ipsec
