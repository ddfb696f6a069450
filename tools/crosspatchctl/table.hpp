#pragma once
#include <boost/json.hpp>
#include <string>
#include <vector>

// Answers as tables for people. What comes from the daemon is escaped: a name cannot move the cursor.
namespace crosspatch::ctl {

struct Column {
    std::string title;
    std::string key;  // `a.b` goes into objects
};

std::string table(const boost::json::array& items, const std::vector<Column>& columns);
// One value in words: `-` for null, lists with commas, numbers as they are.
std::string cell(const boost::json::value& value);
// The object under `key` as `name=value name=value`; empty if there is none.
std::string pairs(const boost::json::object& object, const std::string& key);
const boost::json::value* at(const boost::json::object& object, const std::string& key);

}  // namespace crosspatch::ctl
