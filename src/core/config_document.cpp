#include <sodium.h>
#include <sys/stat.h>

#include <array>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "src/core/config_octets.hpp"
#include "src/core/config_tree.hpp"

namespace crosspatch::core::config {
namespace {

std::string sha256(std::string_view octets) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(octets.data()), octets.size());
    return to_hex(std::as_bytes(std::span{digest}));
}

// The error of a file operation begins with the file's name, and so does the line of a problem.
std::string without_name(const std::string& context, const std::filesystem::path& file) {
    const std::string name = file.string() + ": ";
    return context.starts_with(name) ? context.substr(name.size()) : context;
}

}  // namespace

Document::Document(Problems& problems) : root_{std::make_unique<Value>()}, problems_{&problems} {
    root_->silent = true;
}
Document::Document(Document&&) noexcept = default;
Document::~Document() = default;

Document Document::load(const std::filesystem::path& file, Problems& problems) {
    Document unreadable{problems};
    const auto fd = open_regular_file(file);
    if (!fd) {
        problems.add({}, "", without_name(fd.error().context, file));
        return unreadable;
    }
    // The mode is asked of what was opened: a file put in its place meanwhile is another file.
    struct stat status {};
    fstat(fd->get(), &status);
    unreadable.mode_ = status.st_mode & 07777;
    if (status.st_mode & S_IWOTH) {
        problems.add({}, "",
                     "everybody may write this file, and whoever does decides who hears whom; mend it with: "
                     "chmod o-w " +
                         file.string());
        return unreadable;
    }
    const auto octets = read_open_file(fd->get(), file, kMaxFile);
    if (!octets) {
        problems.add({}, "", without_name(octets.error().context, file));
        return unreadable;
    }
    Document document = parse({reinterpret_cast<const char*>(octets->data()), octets->size()}, problems);
    document.mode_ = unreadable.mode_;
    return document;
}

Document Document::parse(std::string_view text, Problems& problems) {
    Document document{problems};
    document.digest_ = sha256(text);
    if (const auto readable = readable_text(text, problems)) document.root_ = read_tree(*readable, problems);
    return document;
}

Node Document::root() const { return Node{root_.get(), "", problems_}; }

}  // namespace crosspatch::core::config
