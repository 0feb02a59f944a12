#include "services/driver/crypto/esp_engine.h"

#include <set>

#include "tests/driver/crypto/esp_test_support.h"

namespace ipsec::driver {
namespace {

constexpr std::uint64_t kSeed = 20030324;

TEST(EspSuite, sizes_follow_the_algorithms) {
  const EspSuite cbc = *EspSuite::of(Cipher::kAes128Cbc, Integrity::kSha1);
  EXPECT_EQ(cbc.cipher_key_size, 16U);
  EXPECT_EQ(cbc.integrity_key_size, 20U);
  EXPECT_EQ(cbc.header_size(), 24U);
  EXPECT_EQ(cbc.icv_size, 12U);
  EXPECT_EQ(cbc.encrypted_size(14), 16U);
  EXPECT_EQ(cbc.encrypted_size(15), 32U);
  EXPECT_EQ(cbc.packet_size(32), 24U + 32U + 12U);
  EXPECT_TRUE(cbc.fits(24 + 16 + 12));
  EXPECT_FALSE(cbc.fits(24 + 12));
  EXPECT_FALSE(cbc.fits(24 + 17 + 12));

  const EspSuite gcm = *EspSuite::of(Cipher::kAes256Gcm, Integrity::kNone);
  EXPECT_EQ(gcm.cipher_key_size, 36U);
  EXPECT_EQ(gcm.header_size(), 16U);
  EXPECT_EQ(gcm.encrypted_size(1), 4U);
  EXPECT_EQ(gcm.icv_size, 16U);
}

TEST(EspSuite, combinations_without_meaning_are_refused) {
  EXPECT_FALSE(EspSuite::of(Cipher::kAes128Gcm, Integrity::kSha1).ok());
  EXPECT_FALSE(EspSuite::of(Cipher::kNull, Integrity::kNone).ok());
  EXPECT_TRUE(EspSuite::of(Cipher::kNull, Integrity::kSha1).ok());
  EXPECT_TRUE(EspSuite::of(Cipher::kTripleDes, Integrity::kNone).ok());
}

TEST(EspKeys, wrong_sizes_are_refused_by_name) {
  const auto short_cipher_key = make_esp_keys(Cipher::kTripleDes, Integrity::kSha1, SecretBytes(23), SecretBytes(20));
  ASSERT_FALSE(short_cipher_key.ok());
  EXPECT_EQ(short_cipher_key.status().message(), "key of 3DES: 23 octets instead of 24");
  const auto long_integrity_key = make_esp_keys(Cipher::kTripleDes, Integrity::kSha1, SecretBytes(24), SecretBytes(21));
  ASSERT_FALSE(long_integrity_key.ok());
  EXPECT_EQ(long_integrity_key.status().message(), "key of SHA1: 21 octets instead of 20");
  EXPECT_FALSE(make_esp_keys(Cipher::kAes128Gcm, Integrity::kNone, SecretBytes(16), SecretBytes()).ok())
      << "the salt is missing";
}

class EspEngineTest : public EachBackend {
 protected:
  std::shared_ptr<const EspKeys> random_keys(const EspSuite& suite, bool extended_sequence = false) {
    return keys_of(suite, random_.bytes(suite.cipher_key_size), random_.bytes(suite.integrity_key_size),
                   extended_sequence, GetParam());
  }

  tests::SeededRandom random_{kSeed};
  EspEngine engine_{0, random_};
};

TEST_P(EspEngineTest, opens_what_it_sealed_in_batches_of_any_suites_and_sizes) {
  for (const std::size_t count : {1U, 2U, 31U, 127U, 128U, 129U, 300U}) {
    std::vector<std::shared_ptr<const EspKeys>> keys;
    for (const bool extended : {false, true}) {
      for (const EspSuite& suite : all_suites(GetParam())) keys.push_back(random_keys(suite, extended));
    }
    std::vector<Bytes> packets, originals;
    std::vector<EspJob> jobs;
    for (std::size_t i = 0; i < count; ++i) {
      const EspKeys* chosen = keys[random_.below(keys.size())].get();
      packets.push_back(clear_packet(chosen->suite(), random_.below(1500), random_));
      originals.push_back(packets.back());
      jobs.push_back({chosen, packets.back(), chosen->extended_sequence() ? random_.u32() : 0});
    }
    for (std::size_t i = 0; i < count; ++i) jobs[i].packet = packets[i];
    engine_.seal(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      const EspSuite& suite = jobs[i].keys->suite();
      ASSERT_EQ(jobs[i].verdict, EspVerdict::kOk);
      // 8 octets may come out as they went in, by chance only.
      EXPECT_EQ(to_hex(jobs[i].clear_part()) == to_hex(suite.encrypted_part(originals[i])),
                suite.cipher == Cipher::kNull)
          << name_of(suite);
    }
    engine_.open(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      const EspSuite& suite = jobs[i].keys->suite();
      ASSERT_EQ(jobs[i].verdict, EspVerdict::kOk) << name_of(suite) << " " << packets[i].size();
      EXPECT_EQ(to_hex(jobs[i].clear_part()), to_hex(suite.encrypted_part(originals[i]))) << name_of(suite);
      EXPECT_EQ(to_hex(jobs[i].packet.first(8)), to_hex(ByteView(originals[i]).first(8))) << name_of(suite);
    }
  }
}

TEST_P(EspEngineTest, a_flipped_bit_anywhere_is_refused) {
  for (const bool extended : {false, true}) {
    for (const EspSuite& suite : all_suites(GetParam())) {
      if (suite.icv_size == 0) continue;
      const auto keys = random_keys(suite, extended);
      Bytes sealed = clear_packet(suite, 60 + random_.below(20), random_);
      EspJob job{keys.get(), sealed, extended ? 7U : 0U};
      engine_.seal({&job, 1});
      std::vector<Bytes> damaged(sealed.size(), sealed);
      std::vector<EspJob> jobs;
      for (std::size_t i = 0; i < sealed.size(); ++i) {
        damaged[i][i] = static_cast<std::uint8_t>(damaged[i][i] ^ (1U << random_.below(8)));
        jobs.push_back({keys.get(), damaged[i], job.sequence_high});
      }
      engine_.open(jobs);
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        EXPECT_EQ(jobs[i].verdict, EspVerdict::kBadIcv) << name_of(suite) << " octet " << i;
      }
      engine_.open({&job, 1});
      EXPECT_EQ(job.verdict, EspVerdict::kOk) << name_of(suite);
    }
  }
}

TEST_P(EspEngineTest, wrong_high_half_of_the_sequence_number_is_refused) {
  for (const EspSuite& suite : all_suites(GetParam())) {
    if (suite.icv_size == 0) continue;
    const auto keys = random_keys(suite, true);
    Bytes packet = clear_packet(suite, 40, random_);
    EspJob job{keys.get(), packet, 1};
    engine_.seal({&job, 1});
    const Bytes sealed = packet;
    job.sequence_high = 2;
    engine_.open({&job, 1});
    EXPECT_EQ(job.verdict, EspVerdict::kBadIcv) << name_of(suite);
    packet = sealed;
    job.packet = packet;
    job.sequence_high = 1;
    engine_.open({&job, 1});
    EXPECT_EQ(job.verdict, EspVerdict::kOk) << name_of(suite);
  }
}

TEST_P(EspEngineTest, clear_text_of_a_refused_packet_is_nowhere) {
  for (const EspSuite& suite : all_suites(GetParam())) {
    if (suite.icv_size == 0 || suite.cipher == Cipher::kNull) continue;
    const auto keys = random_keys(suite);
    Bytes packet = clear_packet(suite, 200, random_);
    EspJob job{keys.get(), packet};
    const Bytes clear(job.clear_part().begin(), job.clear_part().end());
    engine_.seal({&job, 1});
    packet.back() ^= 0x80;
    engine_.open({&job, 1});
    ASSERT_EQ(job.verdict, EspVerdict::kBadIcv);
    for (std::size_t at = 0; at + 16 <= clear.size(); at += 16) {
      EXPECT_EQ(std::search(packet.begin(), packet.end(), clear.begin() + static_cast<std::ptrdiff_t>(at),
                            clear.begin() + static_cast<std::ptrdiff_t>(at + 16)),
                packet.end())
          << name_of(suite);
    }
  }
}

TEST_P(EspEngineTest, lengths_that_cannot_be_are_refused) {
  for (const EspSuite& suite : all_suites(GetParam())) {
    const auto keys = random_keys(suite);
    Bytes packet = clear_packet(suite, 100, random_);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      if (suite.fits(size)) continue;
      EspJob job{keys.get(), MutableByteView(packet).first(size)};
      engine_.open({&job, 1});
      EXPECT_EQ(job.verdict, EspVerdict::kBadLength) << name_of(suite) << " " << size;
    }
  }
}

TEST_P(EspEngineTest, the_largest_packet_works_and_a_larger_one_is_refused) {
  for (const EspSuite& suite : all_suites(GetParam())) {
    const auto keys = random_keys(suite, true);
    Bytes packet(kMaxEspPacketSize);
    while (!suite.fits(packet.size())) packet.pop_back();
    EspJob job{keys.get(), packet};
    engine_.seal({&job, 1});
    engine_.open({&job, 1});
    EXPECT_EQ(job.verdict, EspVerdict::kOk) << name_of(suite);
    packet.resize(packet.size() + suite.alignment);
    job.packet = packet;
    engine_.open({&job, 1});
    EXPECT_EQ(job.verdict, EspVerdict::kBadLength) << name_of(suite);
  }
}

TEST_P(EspEngineTest, cbc_iv_is_new_each_time_and_not_the_last_block) {
  const auto keys = random_keys(*EspSuite::of(Cipher::kAes128Cbc, Integrity::kSha1));
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    Bytes packet = clear_packet(keys->suite(), 30, random_);
    EspJob job{keys.get(), packet};
    engine_.seal({&job, 1});
    EXPECT_TRUE(seen.insert(to_hex(job.packet.subspan(8, 16))).second);
    EXPECT_TRUE(seen.insert(to_hex(job.clear_part().last(16))).second);
  }
}

TEST_P(EspEngineTest, gcm_iv_is_the_sequence_number) {
  const auto keys = random_keys(*EspSuite::of(Cipher::kAes128Gcm, Integrity::kNone), true);
  Bytes packet = clear_packet(keys->suite(), 30, random_);
  store_u32(packet.data() + 4, 0x01020304);
  EspJob job{keys.get(), packet, 0xa0b0c0d0};
  engine_.seal({&job, 1});
  EXPECT_EQ(to_hex(job.packet.subspan(8, 8)), "a0b0c0d001020304");
}

TEST_P(EspEngineTest, engines_share_keys) {
  EspEngine other(1, random_);
  for (const EspSuite& suite : all_suites(GetParam())) {
    const auto keys = random_keys(suite);
    Bytes packet = clear_packet(suite, 90, random_);
    EspJob job{keys.get(), packet};
    engine_.seal({&job, 1});
    other.open({&job, 1});
    EXPECT_EQ(job.verdict, EspVerdict::kOk) << name_of(suite);
  }
}

// A batch of any suites and sizes, and the same packets one at a time: equal octets and verdicts, also of forged ones.
TEST_P(EspEngineTest, a_batch_and_single_packets_give_the_same_octets) {
  for (std::uint64_t round = 0; round < 40; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << " round " << round);
    tests::SeededRandom batch_iv(round), single_iv(round);
    EspEngine at_once(1, batch_iv), one_by_one(2, single_iv);
    std::vector<std::shared_ptr<const EspKeys>> keys;
    for (const EspSuite& suite : all_suites(GetParam())) keys.push_back(random_keys(suite, random_.chance(0.5)));
    std::vector<Bytes> batch(random_.below(200) + 1);
    std::vector<EspJob> jobs;
    for (Bytes& packet : batch) {
      const EspKeys* chosen = keys[random_.below(keys.size())].get();
      packet = clear_packet(chosen->suite(), random_.below(1500), random_);
      jobs.push_back({chosen, packet, chosen->extended_sequence() ? random_.u32() : 0});
    }
    std::vector<Bytes> singles = batch;
    std::vector<EspJob> single_jobs = jobs;
    for (std::size_t i = 0; i < singles.size(); ++i) single_jobs[i].packet = singles[i];
    at_once.seal(jobs);
    for (EspJob& job : single_jobs) one_by_one.seal({&job, 1});
    ASSERT_EQ(batch, singles);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!random_.chance(0.2)) continue;
      const std::size_t at = random_.below(batch[i].size());
      batch[i][at] ^= 0x10;
      singles[i][at] ^= 0x10;
    }
    at_once.open(jobs);
    for (EspJob& job : single_jobs) one_by_one.open({&job, 1});
    ASSERT_EQ(batch, singles);
    for (std::size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(jobs[i].verdict, single_jobs[i].verdict);
  }
}

INSTANTIATE_TEST_SUITE_P(, EspEngineTest, testing::Values(EspBackend::kOpenssl, EspBackend::kMultiBuffer));

// The two backends are written independently: what one seals the other opens, and with equal IVs the octets are equal.
TEST(EspBackends, make_and_accept_the_same_octets) {
  if (!is_available(EspBackend::kMultiBuffer)) GTEST_SKIP() << "intel-ipsec-mb is not available";
  tests::SeededRandom random(kSeed), first_iv(1), second_iv(1);
  EspEngine first(0, first_iv), second(1, second_iv);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::shared_ptr<const EspKeys>> openssl_keys, multi_buffer_keys;
    for (const EspSuite& suite : all_suites(EspBackend::kMultiBuffer)) {
      const Bytes cipher_key = random.bytes(suite.cipher_key_size);
      const Bytes integrity_key = random.bytes(suite.integrity_key_size);
      const bool extended = random.chance(0.5);
      openssl_keys.push_back(keys_of(suite, cipher_key, integrity_key, extended, EspBackend::kOpenssl));
      multi_buffer_keys.push_back(keys_of(suite, cipher_key, integrity_key, extended, EspBackend::kMultiBuffer));
    }
    std::vector<Bytes> ours(random.below(200) + 1), theirs;
    std::vector<EspJob> our_jobs, their_jobs;
    std::vector<std::size_t> chosen;
    for (Bytes& packet : ours) {
      chosen.push_back(random.below(openssl_keys.size()));
      packet = clear_packet(openssl_keys[chosen.back()]->suite(), random.below(round == 0 ? 65000 : 1500), random);
    }
    theirs = ours;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const std::uint32_t high = openssl_keys[chosen[i]]->extended_sequence() ? random.u32() : 0;
      our_jobs.push_back({openssl_keys[chosen[i]].get(), ours[i], high});
      their_jobs.push_back({multi_buffer_keys[chosen[i]].get(), theirs[i], high});
    }
    first.seal(our_jobs);
    second.seal(their_jobs);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      ASSERT_EQ(to_hex(ours[i]), to_hex(theirs[i])) << name_of(our_jobs[i].keys->suite()) << " " << ours[i].size();
      std::swap(our_jobs[i].keys, their_jobs[i].keys);
    }
    first.open(our_jobs);
    second.open(their_jobs);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_EQ(our_jobs[i].verdict, EspVerdict::kOk) << name_of(our_jobs[i].keys->suite());
      EXPECT_EQ(their_jobs[i].verdict, EspVerdict::kOk) << name_of(our_jobs[i].keys->suite());
      ASSERT_EQ(to_hex(ours[i]), to_hex(theirs[i])) << name_of(our_jobs[i].keys->suite());
    }
  }
}

}  // namespace
}  // namespace ipsec::driver
