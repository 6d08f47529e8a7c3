/*
 * bytes_tool memcpy SECONDS: copies of a megabyte, a second.
 * bytes_tool read PORT PATH: GET it from 127.0.0.1, throw the answer away:
 * bytes and seconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MB = 1 << 20, COPIES = 100 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int copy(double seconds)
{
    char *from = malloc(MB);
    char *to = malloc(MB);

    if (from == NULL || to == NULL)
        return 1;
    memset(from, 1, MB);
    memset(to, 2, MB);
    long count = 0;
    double begin = now();
    while (now() - begin < seconds) {
        for (int i = 0; i < COPIES; i++) {
            memcpy(to, from, MB);
            __asm__ volatile("" : : "r"(to) : "memory");
        }
        count += COPIES;
    }
    printf("%.0f\n", (double)count / (now() - begin));
    free(from);
    free(to);
    return 0;
}

/* MSG_TRUNC: the kernel drops the bytes of a stream without copying them, so
 * that the reader takes little of a machine that both sides share. */
static int read_all(int port, const char *path)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    long long total = 0;
    double begin = now();

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return 1;
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            path);
    for (ssize_t n; (n = recv(fd, NULL, MB, MSG_TRUNC)) != 0; total += n) {
        if (n < 0)
            return 1;
    }
    printf("%lld %.6f\n", total, now() - begin);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "memcpy") == 0)
        return copy(atof(argv[2]));
    if (argc == 4 && strcmp(argv[1], "read") == 0)
        return read_all(atoi(argv[2]), argv[3]);
    return 2;
}
