#pragma once
#include <string>

#include "client.hpp"

// Policy asked from files: tables of cases, and two configurations held against each other. Each prints what it finds
// and returns the exit code of contract.md: 0 all is as it should be, 1 it is not, 78 a file was refused.
namespace crosspatch::ctl {

// Asks the daemon for each case. Throws as Client does.
int test_running(const std::string& table, const Client& client);
// Decides each case by the rules of `config`.
int test_file(const std::string& table, const std::string& config);
// 1 only where not everything could be compared.
int compare_files(const std::string& before, const std::string& after);

}  // namespace crosspatch::ctl
