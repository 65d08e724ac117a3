/* What the machine can do: accepts N sockets and sends ready-made frames to each, a plain loop of `send`.
   usage: floor CONNECTIONS
   Prints "PORT <n>", then "READY" when all have come. Each line "MESSAGES FRAME_BYTES INTERVAL_MS" of standard input: sends, and
   prints its figures as JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void broadcast(const int *sockets, int connections, int messages, int bytes, double interval) {
    /* A text frame, final, unmasked; its payload is noise. */
    unsigned char *frame = malloc(bytes);
    memset(frame, 'x', bytes);
    frame[0] = 0x81;
    frame[1] = 126;
    frame[2] = (unsigned char)((bytes - 4) >> 8);
    frame[3] = (unsigned char)(bytes - 4);
    double next = seconds();
    long short_sends = 0;
    for (int message = 0; message < messages; message++) {
        for (int index = 0; index < connections; index++)
            if (send(sockets[index], frame, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) != bytes) short_sends++;
        next += interval;
        double wait = next - seconds();
        if (wait > 0) usleep((useconds_t)(wait * 1e6));
    }
    printf("{\"short_sends\": %ld}\n", short_sends);
    fflush(stdout);
    free(frame);
}

int main(int count, char **arguments) {
    if (count != 2) return fprintf(stderr, "usage: floor CONNECTIONS\n"), 2;
    int connections = atoi(arguments[1]);
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
    puts("READY");
    fflush(stdout);
    char line[128];
    while (fgets(line, sizeof line, stdin)) {
        int messages, bytes;
        double interval;
        if (sscanf(line, "%d %d %lf", &messages, &bytes, &interval) != 3 || bytes < 130 || bytes > 65539)
            return fprintf(stderr, "not understood: %s", line), 2;
        broadcast(sockets, connections, messages, bytes, interval / 1000);
    }
    return 0;
}
