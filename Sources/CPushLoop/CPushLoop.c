#define _GNU_SOURCE
#include "CPushLoop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t pushloop_monotonic_nanoseconds(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t pushloop_wall_nanoseconds(void) { return nanoseconds(CLOCK_REALTIME); }
uint64_t pushloop_thread_cpu_nanoseconds(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
int pushloop_close(int descriptor) { return close(descriptor) == 0 ? 0 : -errno; }

uint64_t pushloop_descriptors_allow(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur >= count) return limit.rlim_cur;
    struct rlimit raised = limit;
    if (raised.rlim_max < count) {
        /* More than the hard limit is for the administrator only. */
        raised.rlim_cur = raised.rlim_max = count;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return count;
        raised.rlim_max = limit.rlim_max;
    }
    raised.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
    return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

#if defined(__linux__)

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
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

/* The length of the address in `storage`; 0 where the text is none. */
static socklen_t read_address(const char *text, uint16_t port, struct sockaddr_storage *storage) {
    memset(storage, 0, sizeof *storage);
    struct sockaddr_in *four = (struct sockaddr_in *)storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1) return 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    return sizeof *six;
}

static int begin_connecting(int descriptor, const struct sockaddr_storage *target, socklen_t length, const char *source) {
    int one = 1;
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) return -errno;
    if (source) {
        struct sockaddr_storage own;
        socklen_t own_length = read_address(source, 0, &own);
        if (own_length == 0 || own.ss_family != target->ss_family) return -EAFNOSUPPORT;
        /* The port is chosen when the target is known: one for each target, not one for all. */
        if (setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) != 0) return -errno;
        if (bind(descriptor, (struct sockaddr *)&own, own_length) != 0) return -errno;
    }
    if (connect(descriptor, (const struct sockaddr *)target, length) == 0 || errno == EINPROGRESS) return 0;
    return -errno;
}

int pushloop_connect(const char *address, uint16_t port, const char *source) {
    struct sockaddr_storage target;
    socklen_t length = read_address(address, port, &target);
    if (length == 0) return -EAFNOSUPPORT;
    int descriptor = socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int status = begin_connecting(descriptor, &target, length, source);
    if (status == 0) return descriptor;
    close(descriptor);
    return status;
}

int pushloop_connect_result(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
    return -error;
}

int pushloop_resolve(const char *name, int index, char *address, size_t capacity) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int status = getaddrinfo(name, NULL, &hints, &found);
    if (status != 0) return status;
    const struct addrinfo *one = found;
    while (one && index-- > 0) one = one->ai_next;
    status = one ? getnameinfo(one->ai_addr, one->ai_addrlen, address, (socklen_t)capacity, NULL, 0, NI_NUMERICHOST)
                 : EAI_NONAME;
    freeaddrinfo(found);
    return status;
}

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
int pushloop_connect(const char *address, uint16_t port, const char *source) { return -ENOSYS; }
int pushloop_connect_result(int descriptor) { return -ENOSYS; }
int pushloop_resolve(const char *name, int index, char *address, size_t capacity) { return -ENOSYS; }

#endif
