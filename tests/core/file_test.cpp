#include "crosspatch/core/file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "crosspatch/core/text.hpp"
#include "tests/support/temp_directory.hpp"

using namespace crosspatch::core;
using crosspatch::tests::TempDirectory;

namespace {

std::string text_of(std::span<const std::byte> octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::string contents(const std::filesystem::path& path) {
    const auto octets = read_file(path, 1'000'000);
    return octets ? text_of(*octets) : "error: " + octets.error().context;
}

unsigned mode_of(const std::filesystem::path& path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

template <typename T>
std::string refusal(const Result<T>& result) {
    return result ? "accepted" : result.error().context;
}

template <typename T>
Error::Code code(const Result<T>& result) {
    return result ? Error::Code::Internal : result.error().code;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t files_in(const TempDirectory& directory) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{directory.path()}) ++count;
    return count;
}

}  // namespace

TEST_CASE("a file is read whole, up to the limit and not beyond") {
    const TempDirectory directory;
    const auto path = directory.write("file", "0123456789");
    CHECK(text_of(read_file(path, 10).value()) == "0123456789");
    const auto refused = read_file(path, 9);
    CHECK(code(refused) == Error::Code::Exhausted);
    CHECK(has(refusal(refused), path.string()));
    CHECK(read_file(directory.write("empty", ""), 0).value().empty());
    const std::string large(300'000, 'x');
    CHECK(contents(directory.write("large", large)) == large);
}

TEST_CASE("a file whose size the system does not tell is read up to the limit") {
    const auto status = read_file("/proc/self/status", 1'000'000);
    REQUIRE(status);
    CHECK(has(text_of(*status), "Pid:"));
    CHECK(code(read_file("/proc/self/status", 16)) == Error::Code::Exhausted);
}

TEST_CASE("what is not a regular file is refused, and not waited for") {
    const TempDirectory directory;
    const auto file = directory.write("file", "x");
    REQUIRE(symlink(file.c_str(), (directory / "link").c_str()) == 0);
    REQUIRE(mkfifo((directory / "fifo").c_str(), 0600) == 0);
    CHECK(has(refusal(read_file(directory / "link", 10)), "a symbolic link"));
    CHECK(has(refusal(read_file(directory / "fifo", 10)), "not a regular file"));
    CHECK(has(refusal(read_file(directory.path(), 10)), "not a regular file"));
    CHECK(has(refusal(read_file("/dev/null", 10)), "not a regular file"));
    CHECK(has(refusal(read_file(directory / "none", 10)), "no such file"));
    CHECK(code(read_file(directory / "none", 10)) == Error::Code::NotFound);
    CHECK(code(read_file(directory / "link", 10)) == Error::Code::Invalid);
}

TEST_CASE("a key file is one line of base64, with its line end or without") {
    const TempDirectory directory;
    for (const char* text : {"AAECAwQ=", "AAECAwQ=\n", "AAECAwQ=\r\n"}) {
        const auto key = read_key_file(directory.write("key", text));
        REQUIRE(key);
        CHECK(to_hex(key->octets()) == "0001020304");
    }
    CHECK(read_key_file(directory.write("key", "AAECAwQ=\n", 0400)));
}

TEST_CASE("a key file that anybody else might use is refused with the command that mends it") {
    const TempDirectory directory;
    for (const mode_t mode : {0644U, 0640U, 0660U, 0666U, 0700U, 0601U, 04600U}) {
        const auto path = directory.write("key", "AAECAwQ=\n", mode);
        const auto refused = read_key_file(path);
        CHECK(code(refused) == Error::Code::NotPermitted);
        CHECK(has(refusal(refused), "chmod 0600 '" + path.string() + "'"));
    }
    CHECK(has(refusal(read_key_file(directory.write("key", "AAECAwQ=\n", 0644))), "this one 0644"));
}

TEST_CASE("a key file with anything else in it is refused, and its text stays out of the message") {
    const TempDirectory directory;
    for (const char* text : {"", "\n", "AAECAwQ", "AAECAwQ=\n\n", "AAECAwQ=\nAAECAwQ=\n", " AAECAwQ=",
                             "AAECAwQ= ", "AAECAwR=", "AAEC*wQ=", "AAECAwQ==", "====", "AAEC-_Q=",
                             "\xEF\xBB\xBF"
                             "AAECAwQ="}) {
        CAPTURE(text);
        const auto refused = read_key_file(directory.write("key", text));
        CHECK(code(refused) == Error::Code::Invalid);
        CHECK_FALSE(has(refusal(refused), "AAEC"));
    }
    CHECK(code(read_key_file(directory.write("key", std::string(70'000, 'A')))) == Error::Code::Exhausted);
    REQUIRE(symlink(directory.write("real", "AAECAwQ=\n").c_str(), (directory / "link").c_str()) == 0);
    CHECK(code(read_key_file(directory / "link")) == Error::Code::Invalid);
    CHECK(code(read_key_file(directory / "none")) == Error::Code::NotFound);
}

TEST_CASE("a file is replaced whole, with the mode asked for, and leaves nothing beside it") {
    const TempDirectory directory;
    const auto path = directory.write("state", "old", 0666);
    const mode_t umask_before = umask(0077);
    CHECK(write_file_atomically(path, octets_of("new contents"), 0640));
    umask(umask_before);
    CHECK(contents(path) == "new contents");
    CHECK(mode_of(path) == 0640);
    CHECK(files_in(directory) == 1);
    CHECK(write_file_atomically(directory / "fresh", {}, 0400));
    CHECK(contents(directory / "fresh").empty());
}

TEST_CASE("a file that cannot be replaced stands as it was, and nothing is left beside it") {
    const TempDirectory directory;
    std::filesystem::create_directory(directory / "state");
    directory.write("state/inside", "old");
    const auto refused = write_file_atomically(directory / "state", octets_of("new"), 0600);
    CHECK_FALSE(refused);
    CHECK(has(refusal(refused), (directory / "state").string()));
    CHECK(contents(directory / "state/inside") == "old");
    CHECK(files_in(directory) == 1);
    CHECK(code(write_file_atomically(directory / "none/state", octets_of("new"), 0600)) ==
          Error::Code::NotFound);
}

TEST_CASE("writing over a symbolic link replaces the link, not what it points to") {
    const TempDirectory directory;
    const auto real = directory.write("real", "kept");
    REQUIRE(symlink(real.c_str(), (directory / "link").c_str()) == 0);
    CHECK(write_file_atomically(directory / "link", octets_of("new"), 0600));
    CHECK(contents(real) == "kept");
    CHECK(contents(directory / "link") == "new");
}

TEST_CASE("a private directory is made 0700 whatever the umask, and found again") {
    const TempDirectory directory;
    const mode_t umask_before = umask(0277);
    const auto made = make_private_directory(directory / "var");
    umask(umask_before);
    CHECK(made);
    CHECK(mode_of(directory / "var") == 0700);
    CHECK(make_private_directory(directory / "var"));
    directory.write("var/file", "x");
    CHECK(contents(directory / "var/file") == "x");
}

TEST_CASE("a directory that others may enter, a link, a file and a missing parent are refused") {
    const TempDirectory directory;
    std::filesystem::create_directory(directory / "open");
    for (const mode_t mode : {0750U, 0705U, 0710U, 0701U, 0777U, 01777U}) {
        REQUIRE(chmod((directory / "open").c_str(), mode) == 0);
        const auto refused = make_private_directory(directory / "open");
        CHECK(code(refused) == Error::Code::NotPermitted);
        CHECK(has(refusal(refused), "chmod 0700"));
        CHECK(mode_of(directory / "open") == mode);
    }
    REQUIRE(chmod((directory / "open").c_str(), 0700) == 0);
    REQUIRE(symlink((directory / "open").c_str(), (directory / "link").c_str()) == 0);
    CHECK(code(make_private_directory(directory / "link")) == Error::Code::Invalid);
    CHECK(code(make_private_directory(directory.write("file", "x"))) == Error::Code::Invalid);
    CHECK(code(make_private_directory(directory / "none/var")) == Error::Code::NotFound);
    if (geteuid() == 0) {
        REQUIRE(chown((directory / "open").c_str(), 12'345, 12'345) == 0);
        CHECK(has(refusal(make_private_directory(directory / "open")), "belongs to user 12345"));
    }
}

TEST_CASE("a secret is replaced, the new one first, and the old one is overwritten then") {
    const TempDirectory directory;
    const auto path = directory.write("key", "old secret", 0400);
    const auto old = directory / "key.old";
    // Who holds the old file open sees what becomes of it on the disk.
    const auto held = open_regular_file(path);
    REQUIRE(held);
    REQUIRE(replace_secret_file(path, octets_of("new secret")));
    CHECK(contents(path) == "new secret");
    CHECK(mode_of(path) == 0600);
    CHECK(contents(old) == "old secret");
    REQUIRE(wipe_replaced(path));
    CHECK(text_of(*read_open_file(held->get(), path, 100)) == std::string(10, '\0'));
    CHECK(contents(path) == "new secret");
    CHECK(files_in(directory) == 1);
    CHECK(wipe_replaced(path));
    SUBCASE("one that was never there is written") {
        REQUIRE(replace_secret_file(directory / "other", octets_of("x")));
        CHECK(contents(directory / "other") == "x");
        CHECK(wipe_replaced(directory / "other"));
    }
    SUBCASE("it ended before the new one was there: the only one stays") {
        REQUIRE(link(path.c_str(), old.c_str()) == 0);
        REQUIRE(wipe_replaced(path));
        CHECK(contents(path) == "new secret");
        CHECK_FALSE(std::filesystem::exists(old));
    }
    SUBCASE("what is left of the only one is not touched") {
        std::filesystem::rename(path, old);
        CHECK(wipe_replaced(path));
        CHECK(contents(old) == "new secret");
    }
}
