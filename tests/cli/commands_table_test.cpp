#include <algorithm>
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "tests/cli/describe.h"

// Every command of the grammar: a full line, the same line cut short, and a wrong one.
namespace ipsec::cli::tests {
namespace {

constexpr auto kStatic = ContextId::kStatic;
constexpr auto kDynamic = ContextId::kDynamic;
constexpr auto kRoot = ContextId::kRoot;
using Kind = ParseErrorKind;

struct Case {
  CommandId id;
  ContextId context;
  const char* full;
  const char* abbreviated;
  const char* wrong;
  ParseErrorKind kind;
};

constexpr Case kCases[] = {
    {CommandId::kAddPolicy, kStatic,
     "add policy name=P description=d mmpfs=yes qmpermm=5 mmlifetime=60 activatedefaultrule=no pollinginterval=0 "
     "assign=yes mmsecmethods=AES128-SHA256-14",
     "a pol P d y 5 60 n 0 y aes128-sha256-14", "add policy name=P profile=windows98", Kind::kWrongValue},
    {CommandId::kAddRule, kStatic,
     "add rule name=R policy=P filterlist=L filteraction=A tunnel=198.51.100.1 conntype=lan activate=no description=d "
     "kerberos=no psk=k rootca=CN=R",
     "add r R P L A 198.51.100.1 lan n d n k root=CN=R", "add rule name=R policy=P filterlist=L",
     Kind::kMissingRequired},
    {CommandId::kAddFilterList, kStatic, "add filterlist name=L description=d", "add filterl L d",
     "add filterlist description=d", Kind::kMissingRequired},
    {CommandId::kAddFilter, kStatic,
     "add filter filterlist=L srcaddr=10.0.0.0 dstaddr=me description=d protocol=TCP mirrored=no srcmask=8 dstmask=32 "
     "srcport=0 dstport=80",
     "add filter L 10.0.0.0 me d tcp n 8 32 0 80", "add filter L any me protocol=TCQ", Kind::kWrongValue},
    {CommandId::kAddFilterAction, kStatic,
     "add filteraction name=A description=d qmpfs=yes inpass=yes soft=yes action=negotiate qmsecmethods=AH[SHA1]",
     "add filtera A d y y y neg ah[sha1]", "add filteraction name=A action=maybe", Kind::kWrongValue},
    {CommandId::kSetPolicy, kStatic,
     "set policy name=P newname=Q description=d mmpfs=no qmpermm=0 mmlifetime=480 activatedefaultrule=yes "
     "pollinginterval=180 assign=no gponame=G mmsecmethods=3DES-SHA1-2",
     "se p P Q d n 0 480 y 180 n G 3des-sha1-2", "set policy assign=y", Kind::kMissingRequired},
    {CommandId::kSetRule, kStatic,
     "set rule id=2 policy=P newname=S description=d filterlist=L filteraction=A tunnel=gw.example conntype=dialup "
     "activate=yes kerberos=yes psk=k rootca=CN=R",
     "set rule id=2 P S d L A gw.example dial y y k root=CN=R", "set rule id=0 policy=P", Kind::kWrongValue},
    {CommandId::kSetDefaultRule, kStatic,
     "set defaultrule policy=P qmpfs=yes activate=no qmsecmethods=ESP[3DES,SHA1] kerberos=yes psk=k rootca=CN=R",
     "set def P y n esp[3des,sha1] y k root=CN=R", "set defaultrule policy=P filterlist=L", Kind::kUnknownTag},
    {CommandId::kSetFilterList, kStatic, "set filterlist name=L newname=M description=d", "set filterl L M d",
     "set filterlist guid={1} newname=M", Kind::kWrongValue},
    {CommandId::kSetFilterAction, kStatic,
     "set filteraction name=A newname=B description=d qmpfs=no inpass=no soft=no action=block qmsecmethods=AH[MD5]",
     "set filtera A B d n n n bl AH[MD5]", "set filteraction name=A qmpfs=perhaps", Kind::kWrongValue},
    {CommandId::kDeletePolicy, kStatic, "delete policy name=P", "del pol P", "delete policy", Kind::kMissingRequired},
    {CommandId::kDeleteRule, kStatic, "delete rule name=R policy=P", "del r R P", "delete rule name=R",
     Kind::kMissingRequired},
    {CommandId::kDeleteFilterList, kStatic, "delete filterlist name=L", "del filterl L", "delete filterlist L M",
     Kind::kTooManyWords},
    {CommandId::kDeleteFilter, kStatic,
     "delete filter filterlist=L srcaddr=any dstaddr=me protocol=UDP mirrored=yes srcmask=32 dstmask=32 srcport=0 "
     "dstport=53",
     "del f L any me udp y 32 32 0 53", "delete filter L any me description=d", Kind::kUnknownTag},
    {CommandId::kDeleteFilterAction, kStatic, "delete filteraction name=A", "del filtera A",
     "delete filteraction name=A name=B", Kind::kDuplicateTag},
    {CommandId::kDeleteAll, kStatic, "delete all", "del a", "delete all now", Kind::kTooManyWords},
    {CommandId::kShowPolicy, kStatic, "show policy name=P level=verbose format=table wide=yes", "sh p P v t y",
     "show policy all level=loud", Kind::kWrongValue},
    {CommandId::kShowRule, kStatic, "show rule name=R policy=P type=tunnel level=normal format=list wide=no",
     "sh r R P tun n l n", "show rule name=R", Kind::kMissingRequired},
    {CommandId::kShowFilterList, kStatic, "show filterlist name=L level=verbose format=list resolvedns=yes wide=no",
     "sh filterl L v l y n", "show filterlist name=L rule=R", Kind::kWrongCombination},
    {CommandId::kShowFilterAction, kStatic, "show filteraction rule=R level=verbose format=list wide=no",
     "sh filtera rule=R lev=v form=l w=n", "show filteraction A resolvedns=yes", Kind::kUnknownTag},
    {CommandId::kShowStored, kStatic, "show all format=table wide=yes", "sh all t y", "show all format=paper",
     Kind::kWrongValue},
    {CommandId::kShowStore, kStatic, "show store", "sh store", "show store local", Kind::kTooManyWords},
    {CommandId::kExportPolicy, kStatic, "exportpolicy file=x.ipsec", "e x.ipsec", "exportpolicy",
     Kind::kMissingRequired},
    {CommandId::kImportPolicy, kStatic, "importpolicy file=x.ipsec", "imp x.ipsec",
     "importpolicy file=", Kind::kWrongValue},
    {CommandId::kLint, kStatic, "lint policy=P", "li P", "lint level=verbose", Kind::kUnknownTag},
    {CommandId::kShowRunning, kDynamic, "show all resolvedns=yes", "sh a y", "show all format=list", Kind::kUnknownTag},
    {CommandId::kShowMainModePolicy, kDynamic, "show mmpolicy name=P", "sh mmp P", "show mmpolicy P Q",
     Kind::kTooManyWords},
    {CommandId::kShowQuickModePolicy, kDynamic, "show qmpolicy name=P", "sh qmp P", "show qmpolicy guid=x",
     Kind::kUnknownTag},
    {CommandId::kShowMainModeFilter, kDynamic,
     "show mmfilter name=F type=specific srcaddr=10.0.0.0 dstaddr=any srcmask=8 dstmask=32 resolvedns=no",
     "sh mmf F spec 10.0.0.0 any 8 32 n", "show mmfilter type=odd", Kind::kWrongValue},
    {CommandId::kShowQuickModeFilter, kDynamic,
     "show qmfilter name=F type=generic srcaddr=me dstaddr=any srcmask=32 dstmask=32 protocol=TCP srcport=0 dstport=80 "
     "actioninbound=permit actionoutbound=block resolvedns=no",
     "sh qmf F gen me any 32 32 tcp 0 80 per bl n", "show qmfilter dstport=x", Kind::kWrongValue},
    {CommandId::kShowRunningRule, kDynamic,
     "show rule type=transport srcaddr=me dstaddr=any protocol=UDP srcport=0 dstport=53 actioninbound=negotiate "
     "actionoutbound=negotiate srcmask=32 dstmask=32 resolvedns=no",
     "sh r trans me any udp 0 53 neg neg 32 32 n", "show rule name=R", Kind::kUnknownTag},
    {CommandId::kShowMainModeSas, kDynamic, "show mmsas srcaddr=10.0.0.1 dstaddr=10.0.0.2 format=table resolvedns=no",
     "sh mms 10.0.0.1 10.0.0.2 t n", "show mmsas srcaddr=10.0.0", Kind::kWrongValue},
    {CommandId::kShowQuickModeSas, kDynamic,
     "show qmsas srcaddr=10.0.0.1 dstaddr=10.0.0.2 protocol=TCP format=list resolvedns=no",
     "sh qms 10.0.0.1 10.0.0.2 tcp l n", "show qmsas protocol=999", Kind::kWrongValue},
    {CommandId::kShowNegotiations, kDynamic,
     "show negotiations srcaddr=10.0.0.1 dstaddr=10.0.0.2 level=verbose resolvedns=no", "sh neg 10.0.0.1 10.0.0.2 v n",
     "show negotiations level=some", Kind::kWrongValue},
    {CommandId::kShowSas, kDynamic,
     "show sas spi=0x1001 type=manual srcaddr=10.0.0.1 dstaddr=10.0.0.2 protocol=TCP format=table resolvedns=no",
     "sh sas 0x1001 man 10.0.0.1 10.0.0.2 tcp t n", "show sas spi=255", Kind::kWrongValue},
    {CommandId::kAddSa, kDynamic,
     "add sa srcaddr=me dstaddr=10.0.0.2 spi=0x1001 method=AH[SHA1]+ESP[AES128,SHA256] ahspi=0x1002 esn=yes "
     "replaywindow=1024 tunnelsrcaddress=10.0.0.1 tunneldstaddress=10.0.0.2 protocol=TCP srcport=0 dstport=80 "
     "srcmask=32 "
     "dstmask=32 lifetime=60 kilobytes=10 enckey=00112233445566778899aabbccddeeff authkey=0x00 ahkey=ff keyfile=F",
     "a sa me 10.0.0.2 4097 ah[sha1]+esp[aes128,sha256] 4098 y 1024 10.0.0.1 10.0.0.2 tcp 0 80 32 32 60 10 "
     "enc=00112233445566778899AABBCCDDEEFF au=00 ahk=FF keyf=F",
     "add sa me 10.0.0.2 0x1001 ESP[AES128,SHA256]:100000k/3600s", Kind::kWrongValue},
    {CommandId::kShowStatistics, kDynamic, "show stats type=ike", "sh stats ike", "show stats type=tcp",
     Kind::kWrongValue},
    {CommandId::kShowCertificates, kDynamic, "show certificates", "sh cert", "show certificates now",
     Kind::kTooManyWords},
    {CommandId::kExportKeys, kDynamic, "export keys directory=/root/keys seconds=60", "expo k /root/keys 60",
     "export keys /root/keys seconds=0", Kind::kWrongValue},
    {CommandId::kShowStatus, kDynamic, "show status", "sh statu", "show status now", Kind::kTooManyWords},
    {CommandId::kShowEvents, kDynamic, "show events count=7", "sh ev 7", "show events count=1001", Kind::kWrongValue},
    {CommandId::kRefresh, kDynamic, "refresh", "ref", "refresh now", Kind::kTooManyWords},
    {CommandId::kTrace, kDynamic, "trace src=10.0.0.1 dst=10.0.0.2 count=3 seconds=5", "tr 10.0.0.1 10.0.0.2 3 5",
     "trace count=0", Kind::kWrongValue},
    {CommandId::kExplain, kDynamic, "explain src=me dst=10.0.0.2 protocol=TCP srcport=1 dstport=445 direction=outbound",
     "exp me 10.0.0.2 tcp 1 445 out", "explain src=me", Kind::kMissingRequired},
    {CommandId::kSetStore, kStatic, "set store location=domain domain=example.com", "set st dom example.com",
     "set store location=moon", Kind::kWrongValue},
    {CommandId::kSetBatch, kStatic, "set batch mode=enable", "set b en", "set batch", Kind::kMissingRequired},
    {CommandId::kShowGpoAssignedPolicy, kStatic, "show gpoassignedpolicy name=G", "sh gpo G",
     "show gpoassignedpolicy G H", Kind::kTooManyWords},
    {CommandId::kRestorePolicyExamples, kStatic, "restorepolicyexamples release=win2003", "rest win2003",
     "restorepolicyexamples release=win95", Kind::kWrongValue},
    {CommandId::kDumpStored, kStatic, "dump secrets=yes", "du sec=y", "dump yes", Kind::kTooManyWords},
    {CommandId::kAddMainModePolicy, kDynamic,
     "add mmpolicy name=M qmpermm=1 mmlifetime=60 softsaexpirationtime=20 mmsecmethods=3DES-SHA1-2",
     "add mmp M 1 60 20 3des-sha1-2", "add mmpolicy name=M mmlifetime=0", Kind::kWrongValue},
    {CommandId::kAddQuickModePolicy, kDynamic, "add qmpolicy name=Q soft=no pfsgroup=GRP2 qmsecmethods=ESP[3DES,SHA1]",
     "add qmp Q n grp2 esp[3des,sha1]", "add qmpolicy name=Q pfsgroup=GRP9", Kind::kWrongValue},
    {CommandId::kAddRunningRule, kDynamic,
     "add rule srcaddr=10.0.0.0 dstaddr=me mmpolicy=M qmpolicy=Q protocol=TCP srcport=0 dstport=80 mirrored=no "
     "conntype=lan actioninbound=permit actionoutbound=block srcmask=8 dstmask=32 tunneldstaddress=198.51.100.1 "
     "kerberos=yes psk=k rootca=CN=R",
     "add r 10.0.0.0 me M Q tcp 0 80 n lan per bl 8 32 198.51.100.1 y k root=CN=R", "add rule srcaddr=any dstaddr=me",
     Kind::kMissingRequired},
    {CommandId::kSetMainModePolicy, kDynamic,
     "set mmpolicy name=M qmpermm=0 mmlifetime=480 softsaexpirationtime=480 "
     "mmsecmethods=AES256-SHA256-14",
     "set mmp M 0 480 480 aes256-sha256-14", "set mmpolicy qmpermm=1", Kind::kMissingRequired},
    {CommandId::kSetQuickModePolicy, kDynamic, "set qmpolicy name=Q soft=yes pfsgroup=NOPFS qmsecmethods=AH[SHA1]",
     "set qmp Q y nopfs ah[sha1]", "set qmpolicy name=Q qmpfs=yes", Kind::kUnknownTag},
    {CommandId::kSetRunningRule, kDynamic,
     "set rule srcaddr=any dstaddr=me protocol=TCP srcport=0 dstport=80 mirrored=yes conntype=all srcmask=32 "
     "dstmask=32 tunneldstaddress=198.51.100.1 mmpolicy=M qmpolicy=Q actioninbound=block actionoutbound=negotiate "
     "kerberos=no psk=k rootca=CN=R",
     "set r any me tcp 0 80 y all 32 32 198.51.100.1 M Q bl neg n k root=CN=R",
     "set rule srcaddr=any dstaddr=me protocol=TCP srcport=0 dstport=80 mirrored=yes", Kind::kMissingRequired},
    {CommandId::kSetConfig, kDynamic, "set config property=ikelogging value=1", "set c ike 1",
     "set config property=colour value=1", Kind::kWrongValue},
    {CommandId::kDeleteMainModePolicy, kDynamic, "delete mmpolicy name=M", "del mm M", "delete mmpolicy",
     Kind::kMissingRequired},
    {CommandId::kDeleteQuickModePolicy, kDynamic, "delete qmpolicy name=Q", "del qm Q", "delete qmpolicy Q R",
     Kind::kTooManyWords},
    {CommandId::kDeleteRunningRule, kDynamic,
     "delete rule srcaddr=any dstaddr=me protocol=UDP srcport=0 dstport=53 mirrored=yes conntype=dialup srcmask=32 "
     "dstmask=32 tunneldstaddress=198.51.100.1",
     "del r any me udp 0 53 y dial 32 32 198.51.100.1", "delete rule srcaddr=any dstaddr=me protocol=UDP",
     Kind::kMissingRequired},
    {CommandId::kDeleteSa, kDynamic, "delete sa peer=10.77.0.2", "del sa 10.77.0.2", "delete sa peer=10.77.0.0/24",
     Kind::kWrongValue},
    {CommandId::kDeleteRunning, kDynamic, "delete all", "del all", "delete all now", Kind::kTooManyWords},
    {CommandId::kDumpRunning, kDynamic, "dump", "du", "dump now", Kind::kTooManyWords},
    {CommandId::kShowConfig, kDynamic, "show config", "sh conf", "show config all", Kind::kTooManyWords},
    {CommandId::kShowExemptions, kDynamic, "show exemptions", "sh ex", "show exemptions all", Kind::kTooManyWords},
    {CommandId::kLintRunning, kDynamic, "lint", "li", "lint all", Kind::kTooManyWords},
    {CommandId::kDumpBoth, kRoot, "dump secrets=no", "du sec=n", "dump secrets=perhaps", Kind::kWrongValue},
    {CommandId::kShowAlias, kRoot, "show alias", "sh al", "show alias x", Kind::kTooManyWords},
    {CommandId::kShowHelper, kRoot, "show helper", "sh h", "show helper x", Kind::kTooManyWords},
    {CommandId::kShowMode, kRoot, "show mode", "sh mo", "show mode x", Kind::kTooManyWords},
    {CommandId::kShowMachine, kRoot, "show machine", "sh ma", "show machine x", Kind::kTooManyWords},
    {CommandId::kSetMode, kRoot, "set mode mode=offline", "set mo off", "set mode sideways", Kind::kWrongValue},
    {CommandId::kSetMachine, kRoot, "set machine name=other", "set ma other", "set machine a b", Kind::kTooManyWords},
};

TEST(CommandTable, full_lines_are_understood_with_every_value_they_state) {
  for (const Case& row : kCases) {
    const Line line = parse(row.full, row.context);
    const auto* command = std::get_if<Command>(&line);
    ASSERT_NE(command, nullptr) << row.full << ": " << describe(line) << " " << parse_error(row.full, row.context).text;
    EXPECT_EQ(command->row->id, row.id) << row.full;
    EXPECT_EQ(static_cast<std::size_t>(std::count(row.full, row.full + std::strlen(row.full), '=')),
              command->arguments.size() + (command->find("rootca") != nullptr ? 1 : 0))
        << row.full;
  }
}

TEST(CommandTable, abbreviated_lines_mean_the_same) {
  for (const Case& row : kCases) EXPECT_EQ(described(row.abbreviated, row.context), described(row.full, row.context));
}

TEST(CommandTable, wrong_lines_are_refused_for_the_right_reason) {
  for (const Case& row : kCases) {
    const ParseError error = parse_error(row.wrong, row.context);
    EXPECT_EQ(error.kind, row.kind) << row.wrong << ": " << error.text;
    ASSERT_NE(error.row, nullptr) << row.wrong;
    EXPECT_EQ(error.row->id, row.id) << row.wrong;
  }
}

TEST(CommandTable, has_every_command_of_the_grammar) {
  std::set<CommandId> tested;
  for (const Case& row : kCases) tested.insert(row.id);
  for (const ContextId context : {kRoot, kStatic, kDynamic}) {
    for (const CommandRow& row : commands_of(context)) {
      EXPECT_TRUE(tested.contains(row.id)) << row.verb << ' ' << row.object;
    }
  }
}

}  // namespace
}  // namespace ipsec::cli::tests
