#include "cli/batch.h"

#include <gtest/gtest.h>

#include "cli/script.h"

namespace ipsec::cli {
namespace {

// "3:netsh[ipsec|static|dump] 4&&ipseccmd[-u] 5:note 6:left out 7:error(...)".
std::string read(std::string_view content) {
  std::string text;
  for (const BatchStep& step : read_batch(*read_batch_lines(content))) {
    if (step.kind == BatchStep::Kind::kForeign) continue;
    if (!text.empty()) text += ' ';
    text += std::to_string(step.number);
    text += step.condition == BatchStep::Condition::kIfSucceeded ? "&&"
            : step.condition == BatchStep::Condition::kIfFailed  ? "||"
                                                                 : ":";
    switch (step.kind) {
      case BatchStep::Kind::kNote:
        text += step.left_out ? "left out" : "note";
        continue;
      case BatchStep::Kind::kError:
        text += "error";
        continue;
      case BatchStep::Kind::kNetsh:
        text += "netsh[";
        break;
      default:
        text += "ipseccmd[";
    }
    for (const Word& word : step.words) text += (text.ends_with('[') ? "" : "|") + word.text;
    text += ']';
  }
  return text;
}

std::string text_of_first(std::string_view content, BatchStep::Kind kind) {
  for (const BatchStep& step : read_batch(*read_batch_lines(content))) {
    if (step.kind == kind) return step.text;
  }
  return "none";
}

struct Case {
  const char* content;
  const char* steps;
};

constexpr Case kCases[] = {
    // what is no command
    {"@echo off\r\nrem netsh ipsec static x\r\n:: netsh\r\n:label\r\nREM\tx\r\n@rem y\r\n\r\n", ""},
    {"echo a & pause\ncls\ntitle x\nchcp 936>nul\necho netsh ipsec static dump\n", ""},
    {"# netsh is no comment here", "1:note"},
    // our programs in any spelling
    {"netsh ipsec static dump", "1:netsh[ipsec|static|dump]"},
    {"@NETSH.EXE  IPsec\tstatic dump  ", "1:netsh[IPsec|static|dump]"},
    {"%windir%\\system32\\netsh.exe ipsec static dump", "1:netsh[ipsec|static|dump]"},
    {"\"C:\\Program Files\\x\\netsh\" ipsec", "1:netsh[ipsec]"},
    {"call netsh ipsec static dump", "1:netsh[ipsec|static|dump]"},
    {"ipseccmd -u\nipsecpol.exe -u\nIPSECCMD -u", "1:ipseccmd[-u] 2:ipseccmd[-u] 3:ipseccmd[-u]"},
    {"netsh", "1:note"},
    {"sc start PolicyAgent\nreg add x", "1:note 2:note"},
    // quotes, escapes, continuation
    {"netsh ipsec static add policy name=\"a & b > c | d\"", "1:netsh[ipsec|static|add|policy|name=a & b > c | d]"},
    {"netsh a^&b c^^d ^>e", "1:netsh[a&b|c^d|>e]"},
    {"netsh ipsec ^\n  static dump\nnetsh b", "1:netsh[ipsec|static|dump] 3:netsh[b]"},
    {"netsh a ^", "1:netsh[a]"},
    // redirections and pipes
    {"netsh a >nul", "1:netsh[a]"},
    {"netsh a > nul 2>&1", "1:netsh[a]"},
    {"netsh a>>\"log file.txt\" 2>&1 b", "1:netsh[a|b]"},
    {"netsh a2>nul", "1:netsh[a2]"},
    {"netsh dstport=80 >nul", "1:netsh[dstport=80]"},
    {"netsh a | find \"x\"", "1:netsh[a]"},
    {"netsh a < in.txt", "1:netsh[a]"},
    // chains
    {"netsh a & netsh b && netsh c || netsh d", "1:netsh[a] 1:netsh[b] 1&&netsh[c] 1||netsh[d]"},
    {"netsh a && echo done", "1:netsh[a]"},
    {"sc start x && netsh a", "1:note 1&&netsh[a]"},
    {"(netsh a & netsh b)", "1:netsh[a] 1:netsh[b)]"},
    // variables
    {"netsh name=%1", "1:error"},
    {"netsh name=%NAME%", "1:error"},
    {"netsh name=\"%~dp0x\"", "1:error"},
    {"netsh name=100%%", "1:netsh[name=100%]"},
    {"netsh name=100%", "1:netsh[name=100]"},
    {"netsh name=a!b!", "1:netsh[name=a!b!]"},
    {"setlocal EnableDelayedExpansion\nnetsh name=a!b!", "2:error"},
    {"echo %DATE%", ""},
    // conditions, loops, blocks
    {"if exist x echo y\nnetsh a", "1:note 2:netsh[a]"},
    {"if \"%1\"==\"off\" netsh ipsec static delete all\nnetsh a", "1:left out 2:netsh[a]"},
    {"if x==y (\n  netsh ipsec a\n) else (\n  netsh ipsec b\n)\nnetsh c", "1:note 2:left out 4:left out 6:netsh[c]"},
    {"for %%i in (1 2) do netsh ipsec static add %%i\nnetsh a", "1:left out 2:netsh[a]"},
    {"for %%i in (1) do (\n if x (\n echo\n )\n)\nnetsh a", "1:note 6:netsh[a]"},
    {"if errorlevel 1 echo netsh failed\nnetsh a", "1:note 2:netsh[a]"},
    {"cmd /c netsh ipsec static delete all", "1:left out"},
    {"call :sub\nnetsh a\ngoto :eof\n:sub\nnetsh b", "1:note 2:netsh[a]"},
    // goto and exit
    {"netsh a\ngoto end\nnetsh b\n:END\nnetsh c", "1:netsh[a] 2:note 5:netsh[c]"},
    {":top\nnetsh a\ngoto top\nnetsh b", "2:netsh[a] 3:note 4:netsh[b]"},
    {"netsh a\nexit /b 0\nnetsh b", "1:netsh[a]"},
};

TEST(Batches, are_read_as_cmd_reads_them) {
  for (const Case& row : kCases) EXPECT_EQ(read(row.content), row.steps) << row.content;
}

TEST(Batches, variables_are_named_in_the_error) {
  EXPECT_NE(text_of_first("netsh name=%MY NAME% x", BatchStep::Kind::kError).find("%MY NAME%"), std::string::npos);
  EXPECT_NE(text_of_first("netsh name=\"%~dp0file\" x", BatchStep::Kind::kError).find("%~dp0file "), std::string::npos);
}

TEST(Batches, a_line_that_cannot_be_read_is_an_error_of_its_own) {
  EXPECT_EQ(read("netsh a\nnetsh \xff\nnetsh b"), "1:netsh[a] 2:error 3:netsh[b]");
}

TEST(Batches, are_known_by_their_names) {
  EXPECT_TRUE(is_batch_name("/a/B.BAT"));
  EXPECT_TRUE(is_batch_name("x.cmd"));
  EXPECT_FALSE(is_batch_name("x.bat.txt"));
  EXPECT_FALSE(is_batch_name("bat"));
}

}  // namespace
}  // namespace ipsec::cli
