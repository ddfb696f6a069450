#pragma once
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace crosspatch::tests {

// A directory of its own for one test, gone with everything in it when the test ends.
//
// Shape    made 0700 under $TMPDIR, or the system's own place for such things.
// Errors   throws where the directory or a file in it cannot be made: the test cannot go on.
class TempDirectory {
public:
    TempDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "crosspatch-test-XXXXXX").string();
        if (!mkdtemp(pattern.data())) throw std::runtime_error{"no temporary directory: " + pattern};
        path_ = pattern;
    }
    ~TempDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

    // Puts `octets` into the file `name`, replacing what was there, with exactly these permission bits.
    std::filesystem::path write(std::string_view name, std::string_view octets, mode_t mode = 0600) const {
        const auto file = path_ / name;
        std::ofstream out{file, std::ios::binary | std::ios::trunc};
        out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
        out.close();
        if (!out || chmod(file.c_str(), mode) != 0) throw std::runtime_error{"cannot write " + file.string()};
        return file;
    }

private:
    std::filesystem::path path_;
};

}  // namespace crosspatch::tests
