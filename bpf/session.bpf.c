/*
 * One would like to write: extern bool bpf_session_is_return(void) __ksym, wherever it is called.
 * The linker of libbpf 1.1 refuses it: a kernel function that two objects name has no size. So one object names it, and
 * the others call this. Tried on 6.18 with clang 14.
 */
#include "bpf/lib/base.bpf.h"

extern _Bool bpf_session_is_return(void) __ksym __weak;

__noinline int session_is_return(void)
{
    return bpf_session_is_return();
}
