/* hubd: reads its options and settings, then runs the service. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "hubd/options.h"
#include "hubd/service.h"
#include "lib/base/log.h"

#define KEPT_BYTES (1024 * 1024)

/* The exit code when all that is asked for has been written to stdout. */
static int end_of_output(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return 0;
    fprintf(stderr, "hubd: cannot write to stdout: %s\n", strerror(errno));
    return 1;
}

static int print_config(const struct conf *conf)
{
    struct buffer text = {0};
    conf_print(conf, &text);
    fwrite(text.data, 1, text.length, stdout);
    buffer_free(&text);
    return end_of_output();
}

int main(int argc, char **argv)
{
    static struct hub hub;
    struct hubd_options options;
    struct buffer problems = {0};
    /* secrets are in this memory: no core file, no ptrace by others of the same user */
    prctl(PR_SET_DUMPABLE, 0);
    /* Blocks of pages and bodies are allocated and freed all the time: keep them instead of returning them to
     * the kernel, which would cost page faults. */
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * KEPT_BYTES);
    options_read(&options, argc, argv);
    if (options.action == OPTIONS_WRONG)
        return EXIT_CONFIG;
    if (options.action == OPTIONS_VERSION || options.action == OPTIONS_HELP) {
        if (options.action == OPTIONS_HELP)
            options_print_help();
        else
            puts("hubd " HUB_VERSION);
        return end_of_output();
    }
    int result =
        conf_load(&hub.conf, options.file, environ, options.overrides, options.override_count, &problems);
    if (result != OK) {
        fwrite(problems.data, 1, problems.length, stderr);
        buffer_free(&problems);
        return EXIT_CONFIG;
    }
    buffer_free(&problems);
    if (options.action == OPTIONS_CHECK) {
        puts("hubd: the settings are good");
        return end_of_output();
    }
    if (options.action == OPTIONS_PRINT)
        return print_config(&hub.conf);
    log_set_level((enum log_level)hub.conf.log_level);
    log_set_format((enum log_format)hub.conf.log_format);
    return service_run(&hub, &options);
}
