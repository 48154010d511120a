/* SPDX-License-Identifier: Apache-2.0 */
// Items after a history that is in no file: recommend CHECKPOINT DATA.h5 ITEM[:ACTION]...
#include <souk.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

static void check(souk_status status, const souk_error &error)
{
    if (status)
        throw std::runtime_error(std::string(souk_status_name(status)) + ": " + error.message);
}

struct Close {
    void operator()(souk_model *model) const { souk_model_close(model); }
};
using Model = std::unique_ptr<souk_model, Close>;

static Model open(const char *checkpoint, const char *data)
{
    souk_model_options options = SOUK_MODEL_OPTIONS_INIT;
    souk_model *model;
    souk_error error;
    options.checkpoint = checkpoint;
    options.data = data;
    check(souk_model_open(&options, &model, &error), error);
    return Model(model);
}

static void recommend(souk_model *model, const std::vector<std::string> &events)
{
    std::vector<int32_t> item, action;
    for (const std::string &event : events) {
        const size_t colon = event.rfind(':');
        const bool named = colon != std::string::npos;
        item.push_back(souk_model_find_item(model, event.substr(0, colon).c_str()));
        action.push_back(named ? souk_model_find_action(model, event.c_str() + colon + 1) : 0);
    }
    souk_history history = SOUK_HISTORY_INIT;
    history.count = static_cast<int64_t>(item.size());
    history.item = item.data();
    history.action = action.data();

    souk_recommend_options options = SOUK_RECOMMEND_OPTIONS_INIT;
    std::vector<souk_recommendation> best(5);
    int64_t found;
    souk_error error;
    options.k = 5;
    check(souk_recommend(model, &history, 1, &options, best.data(), &found, &error), error);
    for (int64_t i = 0; i < found; i++)
        std::cout << best[i].key << " score " << best[i].score << " Q " << best[i].q << "\n";
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    try {
        recommend(open(argv[1], argv[2]).get(), {argv + 3, argv + argc});
    } catch (const std::exception &failure) {
        std::cerr << failure.what() << "\n";
        return 1;
    }
}
