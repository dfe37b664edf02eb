#include "hubctl/age.h"

#include "hubctl/diagnose.h"

static void advise(void)
{
    hint("this is hubctl " HUB_VERSION "; upgrade hubd or use the hubctl that came with it (hubctl version)");
}

enum ctl_exit age_explain_unknown(struct client *client, const struct ctl_command *command,
                                  int64_t timeout_ms)
{
    const struct json_value *answer = NULL;
    struct arena arena;
    char words[CTL_WORDS_SIZE];
    arena_init(&arena, 0);
    client_send(client, "version", STR("{}"), timeout_ms);
    if (client_next(client, &arena, timeout_ms, &answer) != CLIENT_RESULT)
        answer = NULL;
    struct str version = json_get_text(answer, "hubd");
    complain("hubd%s" STR_FMT " does not know \"%s\"", version.length > 0 ? " " : "", STR_ARG(version),
             ctl_command_words(command, words));
    advise();
    arena_free(&arena);
    return CTL_EXIT_REFUSED;
}

void age_check(const struct json_value *version)
{
    int64_t protocol;
    if (!json_get_int64(version, "protocol", &protocol) || protocol == CTL_PROTOCOL)
        return;
    complain("warning: hubd " STR_FMT " speaks protocol %lld on its admin socket and hubctl " HUB_VERSION
             " protocol %d: commands may fail",
             STR_ARG(json_get_text(version, "hubd")), (long long)protocol, CTL_PROTOCOL);
    advise();
}
