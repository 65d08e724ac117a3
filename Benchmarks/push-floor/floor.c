/* What the machine can do: accepts N sockets and sends one ready-made frame to each, a plain loop of `send`, M times.
   usage: floor CONNECTIONS MESSAGES FRAME_BYTES INTERVAL_MS
   Prints "PORT <n>", then "READY" when all have come, waits for a line on standard input, and prints its figures as JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double user_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6;
}

int main(int count, char **arguments) {
    if (count != 5) return fprintf(stderr, "usage: floor CONNECTIONS MESSAGES FRAME_BYTES INTERVAL_MS\n"), 2;
    int connections = atoi(arguments[1]), messages = atoi(arguments[2]), bytes = atoi(arguments[3]);
    double interval = atof(arguments[4]) / 1000;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1024) < 0) return perror("listen"), 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("PORT %d\n", ntohs(address.sin_port));
    fflush(stdout);
    int *sockets = calloc(connections, sizeof *sockets), one = 1;
    for (int index = 0; index < connections; index++) {
        sockets[index] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (sockets[index] < 0) return perror("accept"), 1;
        setsockopt(sockets[index], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    /* A text frame, final, unmasked; its payload is noise. */
    unsigned char *frame = malloc(bytes);
    memset(frame, 'x', bytes);
    frame[0] = 0x81;
    frame[1] = 126;
    frame[2] = (unsigned char)((bytes - 4) >> 8);
    frame[3] = (unsigned char)(bytes - 4);
    puts("READY");
    fflush(stdout);
    char line[64];
    if (!fgets(line, sizeof line, stdin)) return 1;
    double next = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), user = user_seconds();
    long short_sends = 0;
    for (int message = 0; message < messages; message++) {
        for (int index = 0; index < connections; index++)
            if (send(sockets[index], frame, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) != bytes) short_sends++;
        next += interval;
        double wait = next - seconds(CLOCK_MONOTONIC);
        if (wait > 0) usleep((useconds_t)(wait * 1e6));
    }
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    user = user_seconds() - user;
    double deliveries = (double)messages * connections;
    printf("{\"cpu_us_per_message\": %.3f, \"user_us_per_message\": %.3f, \"short_sends\": %ld}\n", cpu / deliveries * 1e6,
        user / deliveries * 1e6, short_sends);
    return 0;
}
