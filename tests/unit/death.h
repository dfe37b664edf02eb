#ifndef TESTS_UNIT_DEATH_H
#define TESTS_UNIT_DEATH_H

/* Code that must end the process, run in a child. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char death_said[4096];
static int death_code; /* its exit code, -1: a signal ended it */

/* Runs `work` in a child whose stderr is kept in `death_said`; the signal that ended it, 0 when it went on. */
static inline int death_run(void (*work)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        work();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t count;
    while ((count = read(ends[0], death_said + used, sizeof death_said - 1 - used)) > 0)
        used += (size_t)count;
    death_said[used] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    death_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
