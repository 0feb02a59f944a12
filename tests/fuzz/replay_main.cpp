#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// Stands in for libFuzzer where the build has none: replays the named files, or without files a seeded stream of random
// inputs.
//   x_fuzz [FILE...]          POLICYAGENT_FUZZ_SEED, POLICYAGENT_FUZZ_RUNS (default 20000)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void replay(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void random_stream() {
  const std::uint64_t seed = number_from_environment("POLICYAGENT_FUZZ_SEED", 1);
  const std::uint64_t runs = number_from_environment("POLICYAGENT_FUZZ_RUNS", 20000);
  std::printf("seed %llu, %llu inputs\n", static_cast<unsigned long long>(seed), static_cast<unsigned long long>(runs));
  std::mt19937_64 generator(seed);
  std::vector<std::uint8_t> input;
  for (std::uint64_t run = 0; run < runs; ++run) {
    input.resize(generator() % 512);
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(generator());
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) replay(argv[i]);
  if (argc == 1) random_stream();
  return 0;
}
