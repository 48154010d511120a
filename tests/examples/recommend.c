/* SPDX-License-Identifier: Apache-2.0 */
/* Ten items for each of 1,000 users, on four threads: recommend CHECKPOINT DATA.h5 */
#include <pthread.h>
#include <souk.h>
#include <stdio.h>
static souk_model *model;
static souk_recommendation best[1000][10];
static void *ask(void *argument) /* for 250 users, from the row of `best` on that it is given */
{
    souk_recommend_options ten = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_history history[250] = {SOUK_HISTORY_INIT};
    souk_recommendation(*row)[10] = argument;
    souk_error error;
    for (int i = 0; i < 250; i++) history[i].has_user = 1, history[i].user = row - best + i;
    if (souk_recommend(model, history, 250, &ten, *row, NULL, &error)) puts(error.message);
    return NULL;
}

int main(int argc, char **argv)
{
    souk_model_options options = SOUK_MODEL_OPTIONS_INIT;
    souk_error error;
    pthread_t thread[4];
    if (argc == 3) options.checkpoint = argv[1], options.data = argv[2];
    if (souk_model_open(&options, &model, &error)) return puts(error.message), 1;
    for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, ask, &best[250 * i]);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 1000; i++) printf("%d: %s %.4f\n", i, best[i][0].key, best[i][0].score);
    souk_model_close(model);
}
