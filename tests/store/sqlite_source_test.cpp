#include <atomic>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/lookup.h"
#include "store/policy_source.h"
#include "store/policy_store.h"
#include "store/sqlite.h"
#include "tests/store/store_support.h"

// A central store as a file that others do everything with. Whatever happens to it, a load gives the policy of one
// moment, or an error; never a half policy and never "nothing is assigned".
namespace ipsec::store::tests {
namespace {

using ipsec::tests::SeededRandom;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SqliteSourceTest : public ::testing::Test {
 protected:
  SqliteSourceTest() {
    std::filesystem::create_directory(scratch_);
    auto source = make_source("sqlite:" + path_, {scratch_, KeyVault::clear()}, random_);
    EXPECT_TRUE(source.ok());
    source_ = *std::move(source);
  }
  ~SqliteSourceTest() override { EXPECT_TRUE(std::filesystem::is_empty(scratch_)) << "a copy was left behind"; }

  PolicyStore open(const std::string& path, bool write_ahead = false) {
    StoreOptions options;
    options.write_ahead = write_ahead;
    auto store = PolicyStore::open(path, options, random_);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return *std::move(store);
  }
  // Policy 'P', assigned; its filter list has this many filters more than the small tree's.
  static PolicyTree tree(std::uint16_t filters) {
    PolicyTree tree = small_tree();
    for (std::uint16_t i = 0; i < filters; ++i) {
      Filter filter = filter_to_port(static_cast<std::uint16_t>(10000 + i));
      filter.guid.text = fmt::format("00000000-0000-0000-0000-{:012x}", i + 1);
      tree.filter_lists[0].filters.push_back(filter);
    }
    return tree;
  }
  void write_store(const std::string& path, std::uint16_t filters, bool write_ahead = false) {
    PolicyStore store = open(path, write_ahead);
    const auto problems = store.replace(tree(filters));
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    ASSERT_THAT(*problems, IsEmpty());
  }
  // Filters of the loaded policy's first list; the test fails where there is no policy.
  std::size_t load() {
    auto loaded = source_->load_newer("");
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    if (!loaded.ok() || !*loaded) return 0;
    EXPECT_TRUE((*loaded)->tree.assigned.has_value());
    return (*loaded)->tree.assigned ? find_filter_list((*loaded)->tree, std::string("L"))->filters.size() : 0;
  }
  std::string load_error() {
    const auto loaded = source_->load_newer("");
    EXPECT_FALSE(loaded.ok());
    return loaded.ok() ? "" : loaded.status().message();
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("central.db");
  std::string scratch_ = directory_.file("scratch");
  SeededRandom random_{5};
  std::unique_ptr<PolicySource> source_;
  const std::size_t own_ = small_tree().filter_lists[0].filters.size();
};

TEST_F(SqliteSourceTest, GivesTheAssignedPolicyAndKnowsWhatIsUnchanged) {
  write_store(path_, 3);
  const auto first = source_->load_newer("");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ((*first)->tree.policies.size(), 1u) << "not the unassigned one";
  EXPECT_FALSE(source_->load_newer((*first)->version)->has_value());
  EXPECT_EQ(source_->load_everything()->policies.size(), 2u);
  write_store(path_, 4);
  const auto second = source_->load_newer((*first)->version);
  ASSERT_TRUE(second->has_value());
  EXPECT_NE((*second)->version, (*first)->version);
}

TEST_F(SqliteSourceTest, AChangeInTheSameInstantIsSeen) {
  write_store(path_, 1);
  std::string known = (*source_->load_newer(""))->version;
  for (std::uint16_t filters = 2; filters < 12; ++filters) {
    struct stat before {};
    ASSERT_EQ(::stat(path_.c_str(), &before), 0);
    write_store(path_, filters);
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
    const auto loaded = source_->load_newer(known);
    ASSERT_TRUE(loaded.ok() && loaded->has_value()) << filters;
    known = (*loaded)->version;
  }
}

TEST_F(SqliteSourceTest, NothingAssignedIsAnAnswerAndNoError) {
  { open(path_); }
  const auto loaded = source_->load_newer("");
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_FALSE((*loaded)->tree.assigned.has_value());
}

TEST_F(SqliteSourceTest, EveryTruncationIsAnError) {
  write_store(path_, 200);
  const std::string whole = read_file(path_);
  for (std::size_t size = 0; size < whole.size(); size += 4096) {
    for (const std::size_t cut : {size, size + 1, size + 2048}) {
      if (cut >= whole.size()) continue;
      write_file(path_, whole.substr(0, cut));
      EXPECT_THAT(load_error(), HasSubstr("sqlite:" + path_)) << "after " << cut << " of " << whole.size() << " octets";
    }
  }
  write_file(path_, whole);
  EXPECT_EQ(load(), own_ + 200);
}

// Damage may hit octets that mean nothing; then the policy is whole. It is never another one.
TEST_F(SqliteSourceTest, DamageIsAnErrorOrWithoutEffect) {
  write_store(path_, 50);
  const std::string whole = read_file(path_);
  const auto expected = source_->load_newer("");
  std::size_t errors = 0;
  for (int round = 0; round < 150; ++round) {
    std::string damaged = whole;
    const std::size_t page = random_.below(whole.size() / 4096) * 4096;
    const std::size_t length = 1 + random_.below(2000);
    for (std::size_t i = 0; i < length; ++i) damaged[page + i] = static_cast<char>(random_.next());
    write_file(path_, damaged);
    const auto loaded = source_->load_newer("");
    errors += loaded.ok() ? 0 : 1;
    if (loaded.ok()) {
      EXPECT_TRUE((*loaded)->tree.assigned.has_value()) << "round " << round;
    }
  }
  EXPECT_GT(errors, 100u) << "of 150";
}

TEST_F(SqliteSourceTest, MissingForbiddenAndStrangeFilesAreNamed) {
  EXPECT_THAT(load_error(), HasSubstr("is not there"));
  write_file(path_, std::string(8192, 'x'));
  EXPECT_THAT(load_error(), HasSubstr("sqlite:" + path_));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_THAT(load_error(), HasSubstr("is not a regular file"));
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(load_error(), HasSubstr("is not a regular file")) << "and it does not wait for a writer";
  std::filesystem::remove(path_);
  auto foreign = Connection::open(path_, Connection::Mode::kReadWrite);
  write_file(path_, "");
  foreign = Connection::open(path_, Connection::Mode::kReadWrite);
  ASSERT_TRUE((*foreign)->execute("CREATE TABLE shopping (item TEXT)").ok());
  EXPECT_THAT(load_error(), HasSubstr("database of something else"));
}

TEST_F(SqliteSourceTest, PermissionLostIsAnError) {
  write_store(path_, 1);
  ASSERT_EQ(::chmod(path_.c_str(), 0), 0);
  const ::pid_t child = ::fork();
  if (child == 0) {
    // Root may read everything: give that up.
    if (::geteuid() == 0 && (::chmod(scratch_.c_str(), 0777) != 0 || ::setresuid(65534, 65534, 65534) != 0)) ::_exit(9);
    ::_exit(source_->load_newer("").ok() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_EQ(load(), own_ + 1);
}

TEST_F(SqliteSourceTest, ALockedStoreIsReadAndReadingLocksNobodyOut) {
  write_store(path_, 1);
  auto writer = Connection::open(path_, Connection::Mode::kReadWrite);
  ASSERT_TRUE((*writer)->execute("BEGIN EXCLUSIVE").ok());
  EXPECT_EQ(load(), own_ + 1) << "the state before the change";
  ASSERT_TRUE((*writer)->execute("UPDATE store_state SET change_counter = 99").ok());
  EXPECT_EQ(load(), own_ + 1);
  ASSERT_TRUE((*writer)->execute("COMMIT").ok());
  EXPECT_EQ(load(), own_ + 1);
}

// A rollback journal beside a database whose pages are written half: what the writer left when it was killed.
TEST_F(SqliteSourceTest, AKilledWritersHalfChangeIsUndoneInTheCopy) {
  for (const bool write_ahead : {false, true}) {
    std::filesystem::remove(path_);
    write_store(path_, 1, write_ahead);
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const ::pid_t child = ::fork();
    if (child == 0) {
      auto writer = Connection::open(path_, Connection::Mode::kReadWrite);
      bool done = writer.ok() && (*writer)->execute("PRAGMA cache_size = 1").ok() &&  // pages go to the file early
                  (*writer)->execute("PRAGMA cache_spill = 1").ok() && (*writer)->execute("BEGIN IMMEDIATE").ok() &&
                  (*writer)->execute("UPDATE filter SET description = hex(zeroblob(3000))").ok() &&
                  (*writer)->execute("UPDATE store_state SET assigned_policy = NULL").ok();
      static_cast<void>(::write(ready[1], done ? "y" : "n", 1));
      for (;;) ::pause();
    }
    char done = 0;
    ASSERT_EQ(::read(ready[0], &done, 1), 1);
    ASSERT_EQ(done, 'y');
    EXPECT_EQ(load(), own_ + 1) << "while the change is under way";
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    const std::string before = read_file(path_);
    EXPECT_EQ(load(), own_ + 1) << "after the writer's death";
    EXPECT_EQ(read_file(path_), before) << "the central store is not touched by a reader";
  }
}

TEST_F(SqliteSourceTest, ChangesThatAreOnlyInTheWriteLogCount) {
  write_store(path_, 1, true);
  PolicyStore writer = open(path_, true);
  ASSERT_THAT(*writer.replace(tree(9)), IsEmpty());
  ASSERT_GT(std::filesystem::file_size(path_ + "-wal"), 0u);
  EXPECT_EQ(load(), own_ + 9);
}

TEST_F(SqliteSourceTest, ReplacedWhileItIsReadItIsOneOfThem) {
  std::vector<std::string> versions;
  for (const std::uint16_t filters : std::initializer_list<std::uint16_t>{10, 400, 2000}) {
    const std::string file = directory_.file(fmt::format("version-{}", filters));
    write_store(file, filters);
    versions.push_back(file);
  }
  std::atomic<bool> over{false};
  std::filesystem::copy_file(versions[0], path_);
  std::thread replacer([&] {
    for (std::size_t i = 0; !over; ++i) {
      // Alternately in one step, and slowly over the old content.
      if (i % 2 == 0) {
        std::filesystem::copy_file(versions[i % 3], path_ + ".new", std::filesystem::copy_options::overwrite_existing);
        std::filesystem::rename(path_ + ".new", path_);
      } else {
        write_file(path_, read_file(versions[i % 3]));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  std::size_t loaded = 0;
  for (int i = 0; i < 60; ++i) {
    const auto result = source_->load_newer("");
    if (!result.ok()) continue;
    ++loaded;
    EXPECT_TRUE((*result)->tree.assigned.has_value());
    const std::size_t filters = (*result)->tree.filter_lists[0].filters.size() - own_;
    EXPECT_THAT(filters, ::testing::AnyOf(10u, 400u, 2000u));
  }
  over = true;
  replacer.join();
  EXPECT_GT(loaded, 0u);
}

TEST_F(SqliteSourceTest, ADiskFullOfTheCopyIsAnError) {
  write_store(path_, 500);
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small = {65536, 65536};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto loaded = source_->load_newer("");
    ::_exit(!loaded.ok() && loaded.status().code() == ErrorCode::kUnavailable ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteSourceTest, AnInvalidPolicyIsRefusedByName) {
  write_store(path_, 1);
  auto writer = Connection::open(path_, Connection::Mode::kReadWrite);
  ASSERT_TRUE((*writer)->execute("UPDATE policy SET main_mode_lifetime_minutes = 0").ok());
  EXPECT_THAT(load_error(), HasSubstr("is not valid"));
}

TEST(CentralStoreUri, OnlyAbsolutePathsOfFilesAreAccepted) {
  EXPECT_EQ(*sqlite_path("sqlite:/mnt/a b.db"), "/mnt/a b.db");
  EXPECT_EQ(*sqlite_path("sqlite:///mnt/a.db"), "/mnt/a.db");
  for (const char* uri : {"", "sqlite:", "sqlite:a.db", "sqlite://host/a.db", "ldap://dc", "/mnt/a.db", "sqlite:/"}) {
    const auto path = sqlite_path(uri);
    ASSERT_FALSE(path.ok()) << uri;
    EXPECT_THAT(path.status().message(), HasSubstr("accepted is sqlite:PATH"));
  }
}

}  // namespace
}  // namespace ipsec::store::tests
