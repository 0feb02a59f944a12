#include <cassert>
#include <string_view>

#include "cli/batch.h"
#include "cli/ipseccmd.h"
#include "cli/limits.h"
#include "cli/line.h"
#include "cli/script.h"

// A file of any bytes, read as a script and as a batch file, with and without a code page: every line is there once, in
// order, and understood or refused with a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ipsec::cli;
  static const auto code_page = CodePage::open("936");
  assert(code_page.ok());
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  for (const CodePage* page : {static_cast<const CodePage*>(nullptr), &*code_page}) {
    const auto lines = read_batch_lines(content, page);
    assert(lines.ok());
    std::size_t last = 0;
    for (const TextLine& line : *lines) {
      assert(line.number > last);
      last = line.number;
      assert(!line.text.empty() || !line.problem.empty());
      if (line.problem.empty()) assert(line.text.find('\0') == std::string::npos);
    }
    for (const BatchStep& step : read_batch(*lines)) {
      assert(step.number > 0 && step.number <= last);
      if (step.kind == BatchStep::Kind::kNetsh) static_cast<void>(parse_line(ContextId::kRoot, step.words));
      if (step.kind == BatchStep::Kind::kIpseccmd) {
        const auto command = parse_ipseccmd(step.words);
        assert(command.ok() || !command.status().message().empty());
      }
      if (step.kind == BatchStep::Kind::kError || step.kind == BatchStep::Kind::kNote) assert(!step.text.empty());
    }
  }
  return 0;
}
