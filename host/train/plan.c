/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plan.h"

#include <stdio.h>

#include "train/step.h"

/* `use`: as the device knows the part (base/device.h); NULL: scratch. `host`: memory of the host,
 * also where the device is a GPU. */
static const struct {
    const char *name, *key, *use;
    bool host;
} parts[PLAN_PARTS] = {
    [PLAN_PARAMETERS] = {"parameters", "parameters", "parameters", false},
    [PLAN_GRADIENTS] = {"gradients", "gradients", "gradients", false},
    [PLAN_MOMENTS] = {"moments", "moments", "moments", false},
    [PLAN_TARGET_NETWORK] = {"target network", "target_network", "target network", false},
    [PLAN_ACTIVATIONS] = {"activations", "activations", "activations", false},
    [PLAN_OPTIMIZER] = {"optimizer state", "optimizer_state", "optimizer state", false},
    [PLAN_ITEM_FEATURES] = {"item features", "item_features", "item features", false},
    [PLAN_COUNTS] = {"count tables", "count_tables", "count tables", false},
    [PLAN_INPUTS] = {"inputs", "inputs", "inputs", false},
    [PLAN_USER_PROFILES] = {"user profiles", "user_profiles", "user profiles", true},
    [PLAN_INPUT_SLOTS] = {"input slots", "input_slots", "input slots", true},
    [PLAN_REPORTS] = {"reports", "reports", "reports", true},
    [PLAN_SCRATCH] = {"scratch", "scratch", NULL, false},
    [PLAN_WORKSPACES] = {"workspaces", "workspaces", "workspace of cuBLASLt", false},
};

/* ---- Measuring ------------------------------------------------------------------------------- */

static Status measure(MemoryPlan *plan, Trainer *t)
{
    TRY(trainer_take(t));
    trainer_begin(t);
    for (int shape = 0; step_measure(t, shape);) shape++;
    plan->parameters = params_elements(&t->model.params);
    for (PlanPart i = 0; i < PLAN_PARTS; i++)
        plan->part[i] =
            parts[i].use ? device_held(&t->dev, parts[i].use) : t->dev.scratch.high_water;
    REQUIRE(plan_bytes(plan) == device_held(&t->dev, NULL) + t->dev.scratch.high_water,
            "the parts of a plan have %zu bytes, want all %zu that were taken", plan_bytes(plan),
            device_held(&t->dev, NULL) + t->dev.scratch.high_water);
    return device_sync(&t->dev);
}

Status plan_measure(MemoryPlan *plan, const Trainer *t)
{
    Trainer measuring;
    *plan = (MemoryPlan){0};
    trainer_open_measuring(&measuring, t);
    const Status st = measure(plan, &measuring);
    trainer_close(&measuring);
    return st;
}

/* ---- Refusing and reporting ------------------------------------------------------------------ */

size_t plan_bytes(const MemoryPlan *plan)
{
    size_t bytes = 0;
    for (PlanPart i = 0; i < PLAN_PARTS; i++) bytes += plan->part[i];
    return bytes;
}

const char *plan_text(char text[PLAN_TEXT_MAX], const MemoryPlan *plan)
{
    size_t used = 0;
    text[0] = '\0';
    for (PlanPart i = 0; i < PLAN_PARTS; i++)
        if (plan->part[i])
            used += (size_t)snprintf(text + used, PLAN_TEXT_MAX - used, "%s%s %.1f MB",
                                     used ? ", " : "", parts[i].name, (double)plan->part[i] / 1e6);
    return text;
}

json_t *plan_json(const MemoryPlan *plan)
{
    json_t *json = json_object();
    for (PlanPart i = 0; i < PLAN_PARTS; i++)
        json_object_set_new(json, parts[i].key, json_integer((json_int_t)plan->part[i]));
    return json;
}

Status plan_check(const MemoryPlan *plan, Device *dev)
{
    const size_t have = device_available(dev);
    size_t need = 0;
    char text[PLAN_TEXT_MAX], name[32] = "the machine has";
    for (PlanPart i = 0; i < PLAN_PARTS; i++)
        if (!ON_CUDA(dev) || !parts[i].host) need += plan->part[i];
    TRY(dev->status);
    if (need <= have) return OK;
    if (ON_CUDA(dev)) snprintf(name, sizeof name, "cuda:%d has free", dev->index);
    return FAIL(ERR_MEMORY, "the plan needs %.1f GiB (%s), %s %.1f GiB", (double)need / 0x1p30,
                plan_text(text, plan), name, (double)have / 0x1p30);
}
