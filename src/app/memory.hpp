#pragma once

namespace crosspatch::app {

// The process's memory as the system sees it.
//
// Thread   any one thread at a time; takes milliseconds, and other threads go on meanwhile.

// Keeps everything that is touched from now on in memory; false if the system does not allow it.
bool lock_memory();

// Gives free heap back to the system. Nothing of it can go while memory is locked, so the lock is off for that moment.
// False if it could not be locked again.
bool give_back_heap();

// The same before memory is locked, and with it the code and constants of parsers and tables that start-up ran through once.
// Those pages are the files' own, so what is needed again comes back from the page cache.
void give_back_start_up();

}  // namespace crosspatch::app
