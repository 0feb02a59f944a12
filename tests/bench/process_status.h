#pragma once

#include <cstdint>

// What the kernel tells about a process; 0 where it has ended.
namespace ipsec::bench {

// Of all its threads, since its start.
double processor_milliseconds(std::int64_t process);
double resident_megabytes(std::int64_t process);
std::int64_t parent_of(std::int64_t process);

}  // namespace ipsec::bench
