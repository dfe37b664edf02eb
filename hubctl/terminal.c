#include "hubctl/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "hubctl/diagnose.h"
#include "hubctl/print.h"

static size_t dimension(const char *variable, unsigned short reported, size_t otherwise)
{
    const char *text = getenv(variable);
    uint64_t value;
    if (text != NULL && str_to_uint64(str_from(text), &value) && value > 0 && value < 10000)
        return (size_t)value;
    return reported > 0 ? reported : otherwise;
}

size_t terminal_width_of(int descriptor)
{
    struct winsize size = {0};
    ioctl(descriptor, TIOCGWINSZ, &size);
    return dimension("COLUMNS", size.ws_col, 80);
}

size_t terminal_width(void)
{
    return terminal_width_of(STDOUT_FILENO);
}

size_t terminal_height(void)
{
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    return dimension("LINES", size.ws_row, 24);
}

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
}

bool terminal_has_color(const struct hubctl_options *options)
{
    const char *no_color = getenv("NO_COLOR");
    switch (options->color) {
    case COLOR_ALWAYS:
        return true;
    case COLOR_NEVER:
        return false;
    case COLOR_AUTO:
        break;
    }
    return isatty(STDOUT_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0') && !is_dumb();
}

/* What hubd says is UTF-8: where the locale knows only ASCII (LC_ALL=C) letters still have a width. */
static bool ascii;

static void choose_locale(void)
{
    setlocale(LC_ALL, "");
    ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    if (ascii)
        setlocale(LC_CTYPE, "C.UTF-8");
}

bool terminal_is_ascii(void)
{
    return ascii;
}

void terminal_prepare(void)
{
    choose_locale();
    static const int modes[] = {O_RDONLY, O_RDONLY,
                                O_WRONLY}; /* stdout read-only: writes fail and are reported */
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF)
            continue;
        if (open("/dev/null", modes[descriptor]) != descriptor)
            _exit(CTL_EXIT_REFUSED);
    }
    signal(SIGPIPE, SIG_DFL);
}

static int first_write_error; /* errno of a flush that failed: later calls forget it */

bool terminal_flush(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return true;
    if (first_write_error == 0)
        first_write_error = errno;
    return false;
}

bool terminal_finish(void)
{
    bool good = terminal_flush();
    errno = 0;
    if (fclose(stdout) == 0 && good)
        return true;
    int number = first_write_error != 0 ? first_write_error : errno;
    fprintf(stderr, "hubctl: cannot write to stdout: %s\n", number != 0 ? strerror(number) : "output error");
    return false;
}

/* ---------------------------------------------------------------- Ctrl-C */

/* Two, so that the handler finds a whole one at any moment. */
static char last_words[2][600];
static volatile sig_atomic_t last_words_at;

static void say_last_words(int number)
{
    const char *words = last_words[last_words_at];
    ssize_t written = write(STDERR_FILENO, words, strlen(words));
    (void)written;
    raise(number); /* the handler is gone by now: it ends hubctl as it ends every tool */
}

void terminal_set_last_words(struct str words)
{
    int next = 1 - last_words_at;
    char clean[400];
    snprintf(last_words[next], sizeof last_words[next],
             "\nhubctl: interrupted; until then: %s\nhint: the same command again is safe\n",
             diagnose_clean(words, clean, sizeof clean));
    last_words_at = next;
    struct sigaction action = {.sa_handler = say_last_words, .sa_flags = (int)SA_RESETHAND}, old;
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(SIGINT, &action, NULL);
}

/* ---------------------------------------------------------------- questions */

bool terminal_can_ask(void)
{
    return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
}

bool terminal_ask(const char *question, const char *word, char *answer, size_t size)
{
    fprintf(stderr, "%s\nType %s to go on: ", question, word);
    fflush(stderr);
    if (fgets(answer, (int)size, stdin) == NULL) {
        fputc('\n', stderr);
        return false;
    }
    answer[strcspn(answer, "\r\n")] = '\0';
    return true;
}

/* ---------------------------------------------------------------- secrets */

static volatile sig_atomic_t interrupted; /* the signal that came while echo was off */

static void on_signal(int number)
{
    interrupted = number;
}

/* Uses read(2), not stdio: a token must not stay in a buffer of the C library. Signals are blocked except during
 * the wait (`waiting` is its mask), so that a signal that arrives just before the wait ends it too. */
static size_t read_line(char *out, size_t size, const sigset_t *waiting)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    size_t length = 0;
    while (length < size && interrupted == 0) {
        if (ppoll(&input, 1, NULL, waiting) < 0) {
            if (errno == EINTR)
                continue;
            break;
        }
        ssize_t count = read(STDIN_FILENO, out + length, 1);
        if (count <= 0 || out[length++] == '\n')
            break;
    }
    return length;
}

bool terminal_ask_secret(const char *prompt, char *out, size_t size)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    enum { COUNT = sizeof signals / sizeof signals[0] };
    struct sigaction before[COUNT], catch = {.sa_handler = on_signal};
    sigset_t blocked, mask;
    struct termios shown, hidden;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return false;
    sigemptyset(&catch.sa_mask);
    sigemptyset(&blocked);
    for (int i = 0; i < COUNT; i++)
        sigaddset(&blocked, signals[i]);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    for (int i = 0; i < COUNT; i++)
        sigaction(signals[i], &catch, &before[i]);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    memset(out, 0, size);
    size_t length = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0) {
        fprintf(stderr, "%s: ", prompt); /* only now: what answers the prompt must not be shown */
        fflush(stderr);
        length = read_line(out, size - 1, &mask);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    for (int i = 0; i < COUNT; i++)
        sigaction(signals[i], &before[i], NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (interrupted != 0)
        raise(interrupted);
    return length > 0 && interrupted == 0;
}

/* ---------------------------------------------------------------- the pager */

static const char *pager_command(const struct hubctl_options *options)
{
    const char *own = getenv("HUBCTL_PAGER"), *common = getenv("PAGER");
    if (options->no_pager || is_dumb() || isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0)
        return NULL;
    const char *command = own != NULL ? own : common != NULL ? common : "less";
    return command[0] == '\0' || strcmp(command, "cat") == 0 ? NULL : command;
}

static bool is_long(const char *text)
{
    size_t lines = 0, height = terminal_height();
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    return lines >= height;
}

static void terminal_write_text(FILE *file, const char *text)
{
    fputs(text, file);
    if (text[0] != '\0' && text[strlen(text) - 1] != '\n')
        fputc('\n', file);
}

void print_text(const struct hubctl_options *options, const char *text)
{
    const char *command = is_long(text) ? pager_command(options) : NULL;
    FILE *pager = NULL;
    if (command != NULL) {
        setenv("LESS", "FRX", 0); /* as git does: leave at once when it fits, keep colours */
        fflush(stdout);
        /* Quitting the pager early is no error, and not a signal for us. */
        signal(SIGPIPE, SIG_IGN);
        pager = popen(command, "w");
    }
    if (pager != NULL) {
        terminal_write_text(pager, text);
        int status = pclose(pager);
        signal(SIGPIPE, SIG_DFL);
        if (WIFEXITED(status) && WEXITSTATUS(status) < 126) /* 126, 127: the shell did not find it */
            return;
    }
    terminal_write_text(stdout, text);
}
