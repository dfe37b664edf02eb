#include "lib/base/size.h"

#include <stdio.h>

const char *size_format(int64_t bytes, char out[SIZE_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    while (amount >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) { /* 1024.0 is no figure */
        amount /= 1024;
        unit++;
    }
    if (bytes < 1024)
        snprintf(out, SIZE_TEXT, "%lld B", (long long)bytes);
    else
        snprintf(out, SIZE_TEXT, "%.1f %s", amount, units[unit]);
    return out;
}
