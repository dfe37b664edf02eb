#include "lib/base/suggest.h"

#define WORD_MAX  40
#define NOT_CLOSE SIZE_MAX

static char fold(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return (char)(letter - 'A' + 'a');
    return letter == '_' ? '-' : letter;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein with neighbours swapped as one step. Three rows are enough. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *previous = rows[1], *current = rows[2];
    for (size_t j = 0; j <= b.length; j++)
        previous[j] = before[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            char x = fold(a.data[i - 1]), y = fold(b.data[j - 1]);
            size_t best = smaller(previous[j] + 1, current[j - 1] + 1);
            best = smaller(best, previous[j - 1] + (x == y ? 0 : 1));
            if (i > 1 && j > 1 && x == fold(b.data[j - 2]) && fold(a.data[i - 2]) == y)
                best = smaller(best, before[j - 2] + 1);
            current[j] = best;
        }
        size_t *last = before;
        before = previous;
        previous = current;
        current = last;
    }
    return previous[b.length];
}

void suggest_begin(struct suggest *suggest, struct str word)
{
    *suggest = (struct suggest){word, NULL, NOT_CLOSE};
}

void suggest_offer(struct suggest *suggest, const char *candidate)
{
    struct str other = str_from(candidate), word = suggest->word;
    if (other.length == 0 || word.length == 0 || other.length > WORD_MAX || word.length > WORD_MAX)
        return;
    size_t distance = edit_distance(word, other);
    size_t allowed = (word.length > other.length ? word.length : other.length) / 3;
    if (allowed == 0)
        allowed = 1;
    /* The beginning of a word is as good as a slip of one letter. */
    if (word.length >= 3 && word.length < other.length &&
        str_equal_fold(str_of(other.data, word.length), word))
        distance = 1;
    if (distance <= allowed && distance < word.length && distance < suggest->distance) {
        suggest->best = candidate;
        suggest->distance = distance;
    }
}

const char *suggest_best(const struct suggest *suggest)
{
    return suggest->best;
}
