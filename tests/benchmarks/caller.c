#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

/*
 * The least that a tool for an admin socket can be: it connects, asks for the version, reads the line that
 * comes back, prints it and ends. What hubctl is compared with: the start of a process and one round trip.
 *
 *   caller SOCKET
 */
int main(int argc, char **argv)
{
    static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\",\"params\":{}}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[4096];
    size_t length = 0;
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
        bench_die("usage: caller SOCKET");
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || connect(client, (const struct sockaddr *)&address, sizeof address) != 0)
        bench_die("%s: cannot connect", argv[1]);
    if (write(client, request, sizeof request - 1) != (ssize_t)(sizeof request - 1))
        bench_die("%s: cannot write", argv[1]);
    while (length < sizeof answer && memchr(answer, '\n', length) == NULL) {
        ssize_t count = read(client, answer + length, sizeof answer - length);
        if (count <= 0)
            bench_die("%s: no answer", argv[1]);
        length += (size_t)count;
    }
    fwrite(answer, 1, length, stdout);
    return fflush(stdout) != 0;
}
