#include <cassert>
#include <string_view>

#include "cli/completion.h"
#include "cli/help.h"
#include "cli/line.h"
#include "cli/script.h"

// A command file of any content: every line is understood or refused with a text, and completion and help stand beside
// it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ipsec::cli;
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  const auto lines = read_script(content);
  if (!lines.ok()) return 0;
  for (const TextLine& script_line : *lines) {
    for (const ContextRow& context : contexts()) {
      const Line line = parse_line(context.id, split_words(script_line.text));
      if (const auto* error = std::get_if<ParseError>(&line)) assert(!error->text.empty());
      if (const auto* help = std::get_if<HelpRequest>(&line)) assert(!help_text(*help).empty());
      const auto completions = complete(context.id, script_line.text);
      assert(completions.start <= script_line.text.size());
    }
  }
  return 0;
}
