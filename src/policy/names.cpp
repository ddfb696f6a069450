#include "crosspatch/policy/names.hpp"

namespace crosspatch::policy {

NameId Names::intern(std::string_view text) {
    if (text.empty()) return NameId::None;
    if (const auto known = by_text_.find(text); known != by_text_.end()) return known->second;
    const std::string& kept = texts_.emplace_back(text);
    const auto id = static_cast<NameId>(texts_.size());  // None is 0, so the first name is 1
    by_text_.emplace(kept, id);
    return id;
}

NameId Names::find(std::string_view text) const {
    const auto known = by_text_.find(text);
    return known == by_text_.end() ? NameId::None : known->second;
}

std::string_view Names::text(NameId id) const {
    const auto index = static_cast<std::size_t>(id);
    return index == 0 || index > texts_.size() ? std::string_view{} : std::string_view{texts_[index - 1]};
}

}  // namespace crosspatch::policy
