/* SPDX-License-Identifier: Apache-2.0 */
/* Trains for a while, stops, and goes on later: cancel DATA.h5 FOLDER */
#include <souk.h>
#include <stdio.h>

/* Asks to stop after ten steps, as the button of a program would. */
static int stop_after_ten(void *context, const souk_progress *progress)
{
    (void)context;
    return progress->step >= 10;
}

int main(int argc, char **argv)
{
    souk_train_options options = SOUK_TRAIN_OPTIONS_INIT;
    souk_train_result result = SOUK_TRAIN_RESULT_INIT;
    souk_error error;
    char settings[1024];
    if (argc != 3) return 2;
    snprintf(settings, sizeof settings, "data.path=%s\ntrain.out=%s\ntrain.steps=20\n", argv[1],
             argv[2]);
    options.settings = settings;
    options.force = 1;
    options.progress = stop_after_ten;
    if (souk_train(&options, &result, &error) != SOUK_CANCELLED) return puts(error.message), 1;
    puts(error.message);

    options.force = 0;
    options.resume = 1;
    options.progress = NULL;
    if (souk_train(&options, &result, &error)) return puts(error.message), 1;
    printf("%lld steps\n", (long long)result.steps);
    return 0;
}
