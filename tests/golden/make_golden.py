#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files beside this script: what the model of host/model/README.md gives on one
small batch, by reference.py in float64. Needs Debian's python3-torch and python3-numpy.

    /usr/bin/python3 tests/golden/make_golden.py

It also runs every case in float32 and prints how far that is from float64: what single precision
costs by itself. The tests allow 1e-5.
"""
import os

import numpy as np
import torch

import candidates
import reference
import safetensors_io

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 20
CONFIG = {
    "model.layers": 2,
    "model.dropout": 0,
    "learn.objective": "cross_entropy",
    "learn.td_weight": 0.5,
    "learn.action_weight": 0.1,
    "learn.gamma": 0.8,
    "learn.n_step": 1,
    "learn.huber": 0,
    "learn.temperature": 0.7,
    "learn.polyak": 0.05,
    "learn.copy_every": 0,
    "optim.lr": 3e-3,
    "optim.lr_floor": 0.1,
    "optim.warmup": 5,
    "optim.beta1": 0.9,
    "optim.beta2": 0.98,
    "optim.eps": 1e-8,
    "optim.weight_decay": 0.1,
    "optim.embedding_decay": 0.02,
    "optim.clip": 0.5,
    "train.seed": 1234567890123,
    "train.steps": STEPS,
}
# What only some agents read, said in their files.
POLICY = {
    "learn.lambda": 1,
    "learn.value_weight": 0.5,
    "learn.entropy": 0,
    "learn.weight_max": 20,
    "learn.ratio_max": 1,
    "learn.slate": 1,
    "learn.clip": 0.2,
}
# Odd sizes, so that no vector width divides them; windows of length 1 and 2 among longer ones.
FEATURES = {
    "model.dim": 24,
    "model.heads": 3,
    "model.ff": 40,
    "items": 123,
    "actions": 4,
    "item kinds": (5, 9),
    "item numbers": 2,
    "user kinds": (3, 4),
    "user numbers": 3,
    "event numbers": 2,
    "windows": (1, 2, 37, 5, 64, 1, 3, 17, 2, 29),
}
PLAIN = {
    "model.dim": 16,
    "model.heads": 2,
    "model.ff": 0,
    "items": 70,
    "actions": 1,
    "item kinds": (),
    "item numbers": 0,
    "user kinds": (),
    "user numbers": 0,
    "event numbers": 0,
    "windows": (20, 2, 1, 33),
}
CASES = {
    "cross_entropy": {},
    "cross_entropy_dropout": {"model.dropout": 0.2},
    "q_learning": {"learn.objective": "q_learning"},
    "double_q": {"learn.objective": "double_q"},
    "sarsa": {"learn.objective": "sarsa"},
    "expected_sarsa": {"learn.objective": "expected_sarsa"},
    "soft_q": {"learn.objective": "soft_q"},
    "cql": {"learn.objective": "cql", "learn.alpha": 0.6},
    "sqn": {"learn.objective": "sqn", "learn.n_step": 2},
    "snqn": {"learn.objective": "snqn", "learn.negatives": 3},
    "sa2c": {"learn.objective": "sa2c", "learn.negatives": 3, "learn.smooth": 0.3},
    "sarsa_lambda": {"learn.objective": "sarsa_lambda", "learn.lambda": 0.8},
    "retrace": {"learn.objective": "retrace", "learn.lambda": 0.9, "learn.temperature": 0.2},
    "bcq": {"learn.objective": "bcq", "learn.allowed": 0.3, "learn.n_step": 2},
    "iql": {
        "learn.objective": "iql",
        "learn.expectile": 0.8,
        "learn.temperature": 1.5,
        "learn.n_step": 2,
    },
    "crr": {"learn.objective": "crr", "learn.temperature": 1.5, "learn.weight_max": 4},
    "reinforce": {"learn.objective": "reinforce", "learn.slate": 3, "learn.entropy": 0.02},
    "vtrace": {"learn.objective": "vtrace"},
    "vtrace_logged": {
        "learn.objective": "vtrace",
        "learn.ratio_max": 2,
        "learn.lambda": 0.9,
        "learn.entropy": 0.02,
        "propensity": 1,
    },
    "ppo": {
        "learn.objective": "ppo",
        "learn.lambda": 0.9,
        "learn.value_weight": 0.7,
        "propensity": 1,
    },
    "double_q_n_step": {
        "learn.objective": "double_q",
        "learn.n_step": 3,
        "learn.huber": 0.4,
        "learn.copy_every": 7,
    },
    "joint": {"learn.objective": "cross_entropy+double_q", "learn.n_step": 3, "model.dropout": 0.2},
    "plain": {"learn.objective": "cross_entropy+expected_sarsa"},
}
# On inputs whose heads of Q are small, so that no exp(score) outweighs all others.
CASES_LOG = {
    "double_q_log": {"learn.objective": "double_q", "learn.log_values": 1, "learn.n_step": 2},
    "sarsa_lambda_log": {
        "learn.objective": "sarsa_lambda",
        "learn.log_values": 1,
        "learn.lambda": 0.8,
    },
}
# Two events in five have the time of the event before them, and a third of the windows have the
# targets of their second half only.
CASES_TIES = {
    "joint_ties": {"learn.objective": "cross_entropy+double_q", "learn.n_step": 2},
    "sarsa_lambda_ties": {"learn.objective": "sarsa_lambda", "learn.lambda": 0.8},
}
# With an outcome head, on inputs with ties of their own.
CASES_OUTCOME = {
    "outcome": {
        "learn.objective": "cross_entropy+double_q",
        "learn.outcome": 0.6,
        "model.dropout": 0.2,
    }
}
# Items with the n-grams of texts, on inputs of their own.
CASES_TEXT = {
    "text": {"learn.objective": "cross_entropy+double_q", "model.dropout": 0.2, "model.text": 1}
}
NGRAMS = 41
# With the candidates of counting, and with ties.
CANDIDATES = {"model.candidates": 24, "model.neighbours": 12, "model.id_dropout": 0}
CASES_CANDIDATES = {
    "candidates": {},
    "candidates_joint": {"learn.objective": "cross_entropy+double_q", "model.dropout": 0.2},
    "candidates_reinforce": {
        "learn.objective": "reinforce",
        "learn.slate": 3,
        "learn.entropy": 0.02,
    },
    "candidates_bcq": {"learn.objective": "bcq", "learn.allowed": 0.3},
    "candidates_crr": {
        "learn.objective": "crr",
        "learn.temperature": 1.5,
        "learn.weight_max": 4,
    },
    "candidates_cold": {"learn.objective": "cross_entropy+double_q", "model.id_dropout": 0.3},
    "candidates_retrace": {
        "learn.objective": "retrace",
        "learn.lambda": 0.9,
        "learn.temperature": 0.2,
    },
}
# Rounded as section 8 says, everything between in float64: losses and gradients. Steps of two
# such runs part
# ways where AdamW divides by a second moment near 0.
CASES_BF16 = {"joint_bf16": "joint", "cross_entropy_bf16": "cross_entropy"}


def batch(s, rng):
    """Random events with learnable repeats; ends of both kinds; features."""
    cu = np.concatenate([[0], np.cumsum(s["windows"])]).astype(np.int32)
    tokens, last = int(cu[-1]), cu[1:] - 1
    position = (np.arange(tokens) - np.repeat(cu[:-1], s["windows"])).astype(np.int32)
    b = {
        "item": rng.integers(0, s["items"], tokens),
        "action": rng.integers(0, s["actions"], tokens),
        "gap": np.where(position == 0, 0, rng.integers(1, 32, tokens)),
        "position": position,
    }
    for name, source, none in (("target", "item", -1), ("target_action", "action", 0)):
        b[name] = np.append(b[source][1:], none)
        b[name][last] = none
    b = {n: v.astype(np.int32) for n, v in b.items()}
    b["reward"] = rng.choice([0.0, 0.1, 0.3, 1.0], tokens).astype(np.float32)
    b["end"] = rng.choice([0, 1, 2], tokens, p=(0.8, 0.1, 0.1)).astype(np.uint8)
    b["reward"][last], b["end"][last] = 0.0, 0
    b["cu_seqlens"] = cu
    profile = np.repeat(np.arange(len(s["windows"])), s["windows"])
    joint = lambda kinds, rows: np.stack(
        [first + rng.integers(0, n, rows) for first, n in zip(np.cumsum((0,) + kinds), kinds)], 1
    ).astype(np.int32)
    number = lambda rows, n: rng.standard_normal((rows, n)).astype(np.float32)
    if s["event numbers"]:
        b["feature"] = number(tokens, s["event numbers"])
    if s["user kinds"]:
        b["user_category"] = joint(s["user kinds"], len(s["windows"]))[profile]
    if s["user numbers"]:
        b["user_number"] = number(len(s["windows"]), s["user numbers"])[profile]
    b["propensity"] = np.random.default_rng(8).uniform(0.002, 0.03, tokens).astype(np.float32)
    out = {"batch." + n: v for n, v in b.items()}
    if s["item kinds"]:
        out["catalogue.category"] = joint(s["item kinds"], s["items"])
    if s["item numbers"]:
        out["catalogue.number"] = number(s["items"], s["item numbers"])
    return out


def shapes(s, layers):
    """Every parameter of README section 2, heads of all objectives, and its standard deviation
    here."""
    d = s["model.dim"]
    f = s["model.ff"] or -(-8 * d // (3 * 32)) * 32
    out = {
        "item.id": (s["items"], d),
        "item.category": (sum(s["item kinds"]), d),
        "item.number": (s["item numbers"], d),
        "action.embedding": (s["actions"], d),
        "gap.embedding": (32, d),
        "user.category": (sum(s["user kinds"]), d),
        "user.number": (s["user numbers"], d),
        "event.number": (s["event numbers"], d),
    }
    for l in range(layers):
        block = "block.%d." % l
        out.update(
            {
                block + "attention.norm": (d,),
                block + "attention.qkv": (3 * d, d),
                block + "attention.out": (d, d),
                block + "mlp.norm": (d,),
                block + "mlp.gate_up": (2 * f, d),
                block + "mlp.down": (d, f),
            }
        )
    out.update(
        {
            "final.norm": (d,),
            "policy.weight": (d, d),
            "policy.bias": (s["items"],),
            "q.weight": (d, d),
            "q.bias": (s["items"],),
            "value.weight": (1, d),
            "value.bias": (1,),
            "next.weight": (s["actions"], d),
            "next.bias": (s["actions"],),
        }
    )
    out.update(
        {
            "critic.weight": (1, d),
            "critic.bias": (1,),
            "behaviour.weight": (d, d),
            "behaviour.bias": (s["items"],),
        }
    )
    if s["actions"] < 2:
        del out["next.weight"], out["next.bias"]
    return {n: shape for n, shape in out.items() if shape[0]}


def parameters(s, rng):
    """All away from their initial values, so that no factor of 1 or 0 hides a mistake."""
    out = {}
    for name, shape in shapes(s, CONFIG["model.layers"]).items():
        x = rng.standard_normal(shape)
        if name.endswith(".norm"):
            x = 1 + 0.2 * x
        elif name in reference.EMBEDDINGS:
            x = 0.3 * x
        elif name.endswith(".bias"):
            x = 0.2 * x
        else:
            x = x / np.sqrt(shape[-1])
        out["param." + name] = x.astype(np.float32)
        out["target_param." + name] = (
            x + 0.1 * rng.standard_normal(shape) * np.abs(x).mean()
        ).astype(np.float32)
    return out


def exists(name, config):
    """Section 2: which heads an objective has."""
    terms = set(config["learn.objective"].split("+"))
    if name.startswith(("outcome.", "calibration.outcome")):
        return "learn.outcome" in config
    if name.startswith(reference.COUNTED):
        return "model.candidates" in config and exists("policy.weight", config)
    if name.startswith("policy."):
        return bool({"cross_entropy", "sqn", "snqn", "retrace", "bcq", *reference.IMPROVE} & terms)
    if name.startswith("critic."):
        return bool({"iql", "vtrace", "ppo"} & terms)
    if name.startswith("behaviour."):
        return bool({"reinforce", "vtrace", "sa2c"} & terms) and "propensity" not in config
    return not terms <= {"cross_entropy", "reinforce", "vtrace", "ppo"} or not name.startswith(
        ("q.", "value.")
    )


def run(inputs, config, dtype):
    """One case: losses, gradients and the parameters after STEPS steps."""
    p, target_p = (
        {
            n: t
            for n, t in reference.parameters_of(inputs, prefix, dtype).items()
            if exists(n, config)
        }
        for prefix in ("param.", "target_param.")
    )
    b = reference.batch_of(inputs)
    loss, grad = reference.gradients(p, target_p, config, b, 0)
    out = {"loss." + n: np.float64(t.detach()) for n, t in loss.items()}
    out.update({"grad." + n: t.numpy() for n, t in grad.items()})
    if config.get("train.precision") == "bf16":
        return out, []
    after, after_target, norms = reference.train(p, target_p, config, b, STEPS)
    out.update({"after20." + n: t.numpy() for n, t in after.items()})
    if config["learn.objective"] != "cross_entropy":
        out.update(
            {
                "after20_target." + n: t.numpy()
                for n, t in after_target.items()
                if "value." in n or "q." in n
            }
        )
    return out, norms


def write(name, tensors, meta):
    tensors = {
        n: t.astype(np.float32) if t.dtype == np.float64 and not n.startswith("loss.") else t
        for n, t in tensors.items()
    }
    path = os.path.join(HERE, name + ".safetensors")
    safetensors_io.save(path, tensors, meta)
    return os.path.getsize(path)


def write_case(case, settings, inputs, model, name, more=()):
    """Writes `more` of the inputs, which the file of inputs lacks. -> bytes written"""
    config = {
        **CONFIG,
        **model,
        **(POLICY if settings.get("learn.objective") in reference.IMPROVE else {}),
        **settings,
    }
    exact, norms = run(inputs, config, torch.float64)
    single, _ = run(inputs, config, torch.float32)
    worst = max((reference.relative_l2(single[n], exact[n]), n) for n in exact)
    print(
        "%-22s loss %.6f  gradient norm %.3f to %.3f  float32 is within %.1e (%s)"
        % (case, exact["loss.total"], min(norms), max(norms), *worst)
    )
    tensors = {n: np.asarray(t) for n, t in exact.items()}
    tensors.update({n: inputs[n] for n in more})
    return write(case, tensors, {**config, "inputs": name})


def quieter(inputs):
    """The same with heads of Q a quarter as large."""
    return {
        n: (0.25 * t).astype(np.float32)
        if n.split("param.")[-1].startswith(("q.", "value."))
        else t
        for n, t in inputs.items()
    }


OUTCOME_UNITS = 32


def answered(inputs):
    """The tied inputs with the parameters of an outcome head, away from their initial values."""
    out, rng = tied(inputs), np.random.default_rng(12)
    kinds, dim = out["param.action.embedding"].shape
    sizes = {
        "outcome.hidden.state": (2 * OUTCOME_UNITS, dim),
        "outcome.hidden.item": (2 * OUTCOME_UNITS, dim),
        "outcome.hidden.bias": (2 * OUTCOME_UNITS,),
        "outcome.weight": (2 * kinds, OUTCOME_UNITS),
        "outcome.bias": (2 * kinds,),
        "calibration.outcome_factor": (2,),
        "calibration.outcome_shift": (2 * kinds,),
    }
    for name, size in sizes.items():
        x = rng.standard_normal(size) / (np.sqrt(size[-1]) if len(size) > 1 else 4)
        out["param." + name] = out["target_param." + name] = x.astype(np.float32)
    return out, TIES + tuple(of + n for n in sizes for of in ("param.", "target_param."))


TIES = ("batch.state", "batch.target", "batch.target_action", "batch.reward", "batch.end")


def tied(inputs):
    """The same with ties, and with windows that overlap others."""
    out = {n: inputs[n].copy() for n in TIES if n in inputs}
    cu = inputs["batch.cu_seqlens"].tolist()
    same = np.random.default_rng(9).random(cu[-1]) < 0.4  # as the token before
    state = np.arange(cu[-1], dtype=np.int32)
    for w, (first, end) in enumerate(zip(cu[:-1], cu[1:])):
        before = -1
        for i in range(first, end):
            before = i - 1 if i > first and not same[i] else before
            if i + 1 < end and same[i + 1]:
                state[i] = before
        blank = np.arange(first, end) < (first + end) // 2 if w % 3 == 0 else False
        blank = np.flatnonzero((state[first:end] < 0) | blank) + first
        out["batch.target"][blank] = -1
        for name in ("batch.target_action", "batch.reward", "batch.end"):
            out[name][blank] = 0
    return {**inputs, **out, "batch.state": state}


def counted(inputs):
    """The tied inputs with a count table, the times and own events of its users, and weights of the
    counted half. Most users of the table repeat parts of the windows, so that many targets are
    candidates; its first ones are the users of the batch, of whom every fourth is not counted."""
    out, rng = tied(inputs), np.random.default_rng(10)
    cu, item = out["batch.cu_seqlens"].tolist(), out["batch.item"].tolist()
    items, dim = out["param.item.id"].shape
    windows = [item[first:end] for first, end in zip(cu[:-1], cu[1:])]
    more = lambda count: rng.integers(0, items, count).tolist()
    own = [[] if w % 4 == 3 else more(5) + x + more(3) for w, x in enumerate(windows)]
    clock = np.random.default_rng(16)
    seconds = lambda n: 1700000000 + np.cumsum(np.exp(clock.uniform(-1, 14, n)).astype(int))
    timed = lambda users: [list(zip(x, seconds(len(x)).tolist())) for x in users]
    others = [more(12) for _ in range(40)]
    for x in windows * 4:
        at = int(rng.integers(0, len(x)))
        others.append([y if rng.random() < 0.8 else more(1)[0] for y in x[at : at + 15]])
    own, others = timed(own), timed(others)
    out.update(candidates.table(own + others, items, CANDIDATES["model.neighbours"]))
    out["batch.own_offset"] = np.cumsum([0] + [len(x) for x in own]).astype(np.int32)
    out["batch.own"] = np.array(sum(own, []), np.int32)  # items and seconds
    step = np.exp(rng.uniform(5, 18, cu[-1])).astype(np.int64)
    same = np.append(False, out["batch.state"][:-1] != np.arange(cu[-1] - 1))
    same[cu[1:-1]] = False
    out["batch.time"] = 1700000000000 + np.cumsum(np.where(same, 0, step))
    features, units, keys = candidates.FEATURES, 24, 32
    sizes = {
        "linear": (features,),
        "hidden": (units, features),
        "hidden_state": (units, candidates.STATE_FEATURES),
        "hidden_h": (units, dim),
        "out": (units,),
        "action": (len(out["param.action.embedding"]), units),
        "gap": (32, units),
        "state": (1, candidates.STATE_FEATURES),
        "base": (1,),
        "dense": (1,),
        "query": (keys, dim),
        "key": (keys, dim),
        "distance": (candidates.REPEATS,),
        "mean": (features,),
        "scale": (features,),
    }
    sizes = {"candidates." + n: size for n, size in sizes.items()}
    sizes.update({"calibration." + n: (1,) for n in ("factor", "base", "dense")})
    sizes["calibration.linear"] = (features,)
    sizes["calibration.state"] = (candidates.STATE_FEATURES,)
    sizes["calibration.cold"] = (1,)
    for name, size in sizes.items():
        x = rng.standard_normal(size) / (np.sqrt(size[-1]) if len(size) > 1 else 4)
        x = (x + (name == "candidates.scale")).astype(np.float32)
        out["param." + name] = x
        noise = 0 if name in reference.CONSTANTS else 0.05 * rng.standard_normal(size)
        out["target_param." + name] = (x + noise).astype(np.float32)
    return out


NEW = ("counts.popularity",)


def new_items(inputs):
    """The same where the table has counted no event of items that no user of the batch owns."""
    popularity = inputs["counts.popularity"].copy()
    others = np.setdiff1d(np.arange(len(popularity)), inputs["batch.own"][:, 0])
    popularity[others] = 0
    assert np.isin(inputs["batch.target"], others).sum() > 3
    return {**inputs, "counts.popularity": popularity}


def worded(inputs):
    """The same with a text for most items: 1 to 9 of NGRAMS n-grams; the first is in every text."""
    rng = np.random.default_rng(11)
    items, dim = inputs["param.item.id"].shape
    more = lambda: rng.choice(np.arange(1, NGRAMS), rng.integers(0, 9), replace=False)
    texts = [[] if i % 7 == 5 else sorted([0, *more()]) for i in range(items)]
    out = {
        "catalogue.text_offset": np.cumsum([0] + [len(x) for x in texts]).astype(np.int64),
        "catalogue.text": np.array(sum(texts, []), np.int32),
    }
    x = 0.3 * rng.standard_normal((NGRAMS, dim))
    out["param.item.text"] = x.astype(np.float32)
    out["target_param.item.text"] = (x + 0.03 * rng.standard_normal(x.shape)).astype(np.float32)
    return {**inputs, **out}


def write_text(inputs, model):
    """-> bytes written"""
    inputs = worded(inputs)
    written = write("inputs_text", inputs, model)
    for case, settings in CASES_TEXT.items():
        written += write_case(case, settings, inputs, model, "inputs_text")
    return written


def write_candidates(inputs, model):
    """-> bytes written"""
    inputs = counted(inputs)
    written = write("inputs_candidates", inputs, model)
    for case, settings in CASES_CANDIDATES.items():
        settings = {**CANDIDATES, **settings}
        of_case, more = (new_items(inputs), NEW) if case == "candidates_cold" else (inputs, ())
        written += write_case(case, settings, of_case, model, "inputs_candidates", more)
    return written


def main():
    bytes_written = 0
    torch.set_num_threads(1)
    for common, sizes in (("features", FEATURES), ("plain", PLAIN)):
        rng = np.random.default_rng(7)
        inputs = {**batch(sizes, rng), **parameters(sizes, rng)}
        model = {n: v for n, v in sizes.items() if n.startswith("model.")}
        bytes_written += write("inputs_" + common, inputs, model)
        for case, settings in CASES.items():
            if (case == "plain") == (common == "plain"):
                bytes_written += write_case(case, settings, inputs, model, "inputs_" + common)
        if common == "plain":
            continue
        bytes_written += write_candidates(inputs, model)
        bytes_written += write_text(inputs, model)
        bytes_written += write("inputs_log", quieter(inputs), model)
        for case, settings in CASES_LOG.items():
            bytes_written += write_case(case, settings, quieter(inputs), model, "inputs_log")
        for case, settings in CASES_TIES.items():
            bytes_written += write_case(
                case, settings, tied(inputs), model, "inputs_features", TIES
            )
        of_case, more = answered(inputs)
        for case, settings in CASES_OUTCOME.items():
            bytes_written += write_case(case, settings, of_case, model, "inputs_features", more)
        for case, of in CASES_BF16.items():
            config = {**CONFIG, **model, **CASES[of], "train.precision": "bf16"}
            half, _ = run(inputs, config, torch.float64)
            exact, _ = run(inputs, {**config, "train.precision": "f32"}, torch.float64)
            worst = max((reference.relative_l2(half[n], exact[n]), n) for n in half)
            bytes_written += write(
                case,
                {n: np.asarray(t) for n, t in half.items()},
                {**config, "inputs": "inputs_" + common, "exact": of},
            )
            print(
                "%-22s loss %.6f  bfloat16 is within %.1e (%s)" % (case, half["loss.total"], *worst)
            )
    print("%d bytes" % bytes_written)


if __name__ == "__main__":
    main()
