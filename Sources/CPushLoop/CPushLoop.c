#define _GNU_SOURCE
#include "CPushLoop.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t pushloop_monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t pushloop_thread_cpu_nanoseconds(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
int pushloop_close(int descriptor) { return close(descriptor) == 0 ? 0 : -errno; }

#if defined(__linux__)

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define ANSWER(call) ({ __typeof__(call) answer_ = (call); answer_ >= 0 ? answer_ : -errno; })

static uint32_t interest(uint32_t events) {
    uint32_t mask = EPOLLRDHUP;
    if (events & PUSHLOOP_READABLE) mask |= EPOLLIN;
    if (events & PUSHLOOP_WRITABLE) mask |= EPOLLOUT;
    return mask;
}

int pushloop_poller_create(void) { return ANSWER(epoll_create1(EPOLL_CLOEXEC)); }

int pushloop_poller_add(int poller, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = interest(events), .data.u64 = token};
    return ANSWER(epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event));
}

int pushloop_poller_change(int poller, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = interest(events), .data.u64 = token};
    return ANSWER(epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event));
}

int pushloop_poller_wait(int poller, pushloop_event *events, int capacity, int timeout_milliseconds) {
    struct epoll_event ready[256];
    if (capacity > 256) capacity = 256;
    int count = epoll_wait(poller, ready, capacity, timeout_milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int index = 0; index < count; index++) {
        uint32_t mask = ready[index].events;
        events[index].token = ready[index].data.u64;
        events[index].events = (mask & EPOLLIN ? PUSHLOOP_READABLE : 0) | (mask & EPOLLOUT ? PUSHLOOP_WRITABLE : 0)
            | (mask & (EPOLLERR | EPOLLHUP | EPOLLRDHUP) ? PUSHLOOP_HANGUP : 0);
    }
    return count;
}

int pushloop_wakeup_create(void) { return ANSWER(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int pushloop_wakeup_signal(int descriptor) {
    uint64_t one = 1;
    return write(descriptor, &one, sizeof one) >= 0 || errno == EAGAIN ? 0 : -errno;
}

int pushloop_wakeup_drain(int descriptor) {
    uint64_t count;
    return read(descriptor, &count, sizeof count) >= 0 || errno == EAGAIN ? 0 : -errno;
}

static int set_tcp_option(int descriptor, int option, unsigned value) {
    if (setsockopt(descriptor, IPPROTO_TCP, option, &value, sizeof value) == 0) return 0;
    /* Not a TCP socket (a test's socket pair): the options do not apply. */
    return errno == EOPNOTSUPP || errno == ENOPROTOOPT ? 0 : -errno;
}

/* What the kernel may hold of a connection beyond what its network has room for: enough to keep a fast one busy between
   two turns. Without it a listener that does not read costs megabytes of the kernel's memory before its queue says so. */
static const unsigned unsent_bytes_max = 128 << 10;

int pushloop_socket_prepare(int descriptor, unsigned user_timeout_milliseconds) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    int status = set_tcp_option(descriptor, TCP_NODELAY, 1);
    if (status == 0) status = set_tcp_option(descriptor, TCP_USER_TIMEOUT, user_timeout_milliseconds);
    return status == 0 ? set_tcp_option(descriptor, TCP_NOTSENT_LOWAT, unsent_bytes_max) : status;
}

/* The system call itself: the library's `send` is a point of thread cancellation, which a process with threads pays for. */
ssize_t pushloop_send(int descriptor, const void *bytes, size_t count) {
    return ANSWER((ssize_t)syscall(SYS_sendto, descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0));
}

ssize_t pushloop_receive(int descriptor, void *bytes, size_t count) {
    return ANSWER(recv(descriptor, bytes, count, MSG_DONTWAIT));
}

int pushloop_shutdown_write(int descriptor) { return ANSWER(shutdown(descriptor, SHUT_WR)); }
int pushloop_duplicate(int descriptor) { return ANSWER(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)); }

#else

int pushloop_poller_create(void) { return -ENOSYS; }
int pushloop_poller_add(int poller, int descriptor, uint32_t events, uint64_t token) { return -ENOSYS; }
int pushloop_poller_change(int poller, int descriptor, uint32_t events, uint64_t token) { return -ENOSYS; }
int pushloop_poller_wait(int poller, pushloop_event *events, int capacity, int timeout_milliseconds) { return -ENOSYS; }
int pushloop_wakeup_create(void) { return -ENOSYS; }
int pushloop_wakeup_signal(int descriptor) { return -ENOSYS; }
int pushloop_wakeup_drain(int descriptor) { return -ENOSYS; }
int pushloop_socket_prepare(int descriptor, unsigned user_timeout_milliseconds) { return -ENOSYS; }
ssize_t pushloop_send(int descriptor, const void *bytes, size_t count) { return -ENOSYS; }
ssize_t pushloop_receive(int descriptor, void *bytes, size_t count) { return -ENOSYS; }
int pushloop_shutdown_write(int descriptor) { return -ENOSYS; }
int pushloop_duplicate(int descriptor) { return -ENOSYS; }

#endif
