/* One record of the floor capture's ring; included by the BPF program and by its loader. */
#ifndef LLMSNOOP_BENCH_FLOOR_RECORD_H
#define LLMSNOOP_BENCH_FLOOR_RECORD_H

enum { FLOOR_READ = 0, FLOOR_WRITE = 1 };

struct floor_record {  // NOLINT(readability-identifier-naming): shared with BPF C
    unsigned long long time;
    unsigned int tid;
    unsigned int direction;
    unsigned int true_length;
    unsigned int length; /* of the payload behind this header */
};

#endif
