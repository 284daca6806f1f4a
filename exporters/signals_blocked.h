#pragma once
// Blocks all signals of the calling thread while it lives, so that a thread begun meanwhile has them blocked for good:
// signals are for whoever set the process up.
#include <pthread.h>
#include <signal.h>

namespace llmsnoop::exporters {

class SignalsBlocked {
 public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
    sigset_t before_{};
};

}  // namespace llmsnoop::exporters
