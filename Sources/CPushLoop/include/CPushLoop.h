#ifndef CPUSHLOOP_H
#define CPUSHLOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the push loop needs of the kernel and Swift cannot say well: epoll's packed union, send flags, eventfd.
   Every call answers a value >= 0, or the negated errno, so that no caller reads errno across threads of Swift's runtime.
   On systems without epoll every call answers -ENOSYS. */

#define PUSHLOOP_READABLE 1u
#define PUSHLOOP_WRITABLE 2u
/* The peer has gone or the socket is broken: reading will tell how. */
#define PUSHLOOP_HANGUP 4u

typedef struct {
    uint64_t token;
    uint32_t events;
} pushloop_event;

int pushloop_poller_create(void);
int pushloop_poller_add(int poller, int descriptor, uint32_t events, uint64_t token);
int pushloop_poller_change(int poller, int descriptor, uint32_t events, uint64_t token);
/* Fills at most `capacity` (up to 256) events; a negative timeout waits for ever. */
int pushloop_poller_wait(int poller, pushloop_event *events, int capacity, int timeout_milliseconds);

int pushloop_wakeup_create(void);
int pushloop_wakeup_signal(int descriptor);
int pushloop_wakeup_drain(int descriptor);

/* Non-blocking, without Nagle's delay, with a bound on what is written and not yet on its way; unacknowledged data ends the
   connection after `user_timeout_milliseconds`. */
int pushloop_socket_prepare(int descriptor, unsigned user_timeout_milliseconds);
/* Never blocks, never raises SIGPIPE. */
ssize_t pushloop_send(int descriptor, const void *bytes, size_t count);
ssize_t pushloop_receive(int descriptor, void *bytes, size_t count);
int pushloop_shutdown_write(int descriptor);

/* The client's side (`millrace bench`). Begins to connect a non-blocking TCP socket to a numeric address, from a numeric
   address of this machine unless `source` is NULL; the descriptor becomes writable when that has succeeded or failed. */
int pushloop_connect(const char *address, uint16_t port, const char *source);
/* What became of it: 0, or the negated errno. */
int pushloop_connect_result(int descriptor);
/* One of the addresses that a name stands for, in numbers, from index 0; 0, or getaddrinfo's answer (EAI_NONAME past the last).
   Blocks. */
int pushloop_resolve(const char *name, int index, char *address, size_t capacity);
int pushloop_duplicate(int descriptor);
int pushloop_close(int descriptor);

/* Lets the process open so many descriptors, as far as it may; answers how many it may open now. */
uint64_t pushloop_descriptors_allow(uint64_t count);

/* Nanoseconds since 1970. */
uint64_t pushloop_wall_nanoseconds(void);
/* Nanoseconds of CLOCK_MONOTONIC, and of processor time used by the calling thread. */
uint64_t pushloop_monotonic_nanoseconds(void);
uint64_t pushloop_thread_cpu_nanoseconds(void);

#endif
