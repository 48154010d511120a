# SPDX-License-Identifier: Apache-2.0
"""The model of host/model/README.md in plain PyTorch, section by section: the outside reference
that souk is held against. Slow and simple on purpose; wants only Debian's python3-torch and
python3-numpy.

p, target_p   {name: tensor} of parameters by the README's names; the dtype of p is the dtype
computed in c             {setting: string or number}, "model.heads", "learn.gamma", ...
b             {name: tensor} of a packed batch: item, action, gap, position, cu_seqlens, target,
... and
              the catalogue's features as "catalogue.category", "catalogue.number",
              "catalogue.text_offset" and "catalogue.text"
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

import answers
import candidates
import rounding

# The terms of section 6 that are sums of others, and those with a policy that is improved.
PARTS = {
    "sqn": ("cross_entropy", "double_q"),
    "cql": ("double_q", "cql"),
    "retrace": ("cross_entropy", "retrace"),
    "bcq": ("cross_entropy", "bcq"),
    "snqn": ("cross_entropy", "double_q", "negatives"),
    "sa2c": ("sa2c", "double_q", "negatives"),
}
IMPROVE = ("iql", "crr", "reinforce", "vtrace", "ppo", "sa2c")
LOSSES = (
    "cross_entropy",
    "policy",
    "td",
    "next_action",
    "conservative",
    "negatives",
    "value",
    "behaviour",
    "entropy",
    "outcome",
)
EMBEDDINGS = (
    "item.id",
    "item.category",
    "item.number",
    "item.text",
    "action.embedding",
    "gap.embedding",
    "user.category",
    "user.number",
    "event.number",
)
COUNTED = ("candidates.", "calibration.")
COUNTED_MATRICES = tuple(
    "candidates." + n
    for n in ("hidden", "hidden_state", "hidden_h", "action", "gap", "state", "query", "key")
)
CONSTANTS = ("candidates.mean", "candidates.scale")


# ---- Sections 3 and 4: item encoder, encoder


def philox(key, high, low):
    """Philox4x32-10 (Salmon et al. 2011) of an array of low counters -> uint32 [len(low), 4]."""
    mask, word = np.uint64(0xFFFFFFFF), lambda v: np.uint64(v & 0xFFFFFFFF)
    c = [
        low & mask,
        low >> np.uint64(32),
        np.full_like(low, word(high)),
        np.full_like(low, word(high >> 32)),
    ]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [
            (b >> np.uint64(32)) ^ c[1] ^ word(k0),
            b & mask,
            (a >> np.uint64(32)) ^ c[3] ^ word(k1),
            a & mask,
        ]
        k0, k1 = k0 + 0x9E3779B9, k1 + 0xBB67AE85
    return np.stack(c, axis=1)


def uniform(c, step, site, count):
    """The numbers u of section 4 at a site."""
    low = np.arange((count + 3) // 4, dtype=np.uint64)
    words = philox(int(c["train.seed"]), step * 2**16 + site, low).reshape(-1)[:count]
    return (words >> np.uint64(8)) * 2.0**-24


def dropout(x, c, site, step):
    """step None: evaluation, no dropout."""
    rate = np.float32(c["model.dropout"])
    if step is None or rate == 0:
        return x
    keep = uniform(c, step, site, x.numel()) >= rate
    factor = torch.from_numpy(keep / (1.0 - float(rate))).to(x.dtype)
    return x * factor.reshape(x.shape)


def rmsnorm(x, weight):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * weight


def rope(x, position):
    """x [tokens, heads, width]"""
    half = x.shape[-1] // 2
    turn = torch.arange(half, dtype=torch.float64) * (-2.0 / x.shape[-1])
    angle = (position.double()[:, None] * 10000.0**turn)[:, None, :]
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def attention(q, k, v, cu_seqlens, attend):
    """q, k, v [tokens, heads, width] -> [tokens, heads * width]; causal inside each window."""
    out = []
    for first, last in zip(cu_seqlens[:-1].tolist(), cu_seqlens[1:].tolist()):
        qw, kw, vw = (t[first:last].transpose(0, 1) for t in (q, k, v))
        future = torch.ones(last - first, last - first).triu(1).bool()
        out.append(attend(qw, kw, vw, future).transpose(0, 1))
    return torch.cat(out).reshape(q.shape[0], -1)


def frozen(x, known):
    """x without a gradient in the rows that are not known."""
    return torch.where(known, x, x.detach())


def known_items(p, b):
    """Section 3: whether an item may learn its id and its bias, [items]."""
    popularity = b.get("counts.popularity")
    if popularity is None or not {"item.category", "item.number"} & set(p):
        return torch.ones(len(p["item.id"]), dtype=torch.bool)
    return popularity > 0


def kept_ids(p, c, b, step):
    """Section 3: whether the step has the id of an item, [items]."""
    rate, count = np.float32(c.get("model.id_dropout", 0)), len(p["item.id"])
    learns = "counts.popularity" in b and {"item.category", "item.number"} & set(p)
    if step is None or rate == 0 or not learns:
        return torch.ones(count, dtype=torch.bool)
    return torch.from_numpy(uniform(c, step, 0xFFFF, count) >= rate)


def items(p, c, b, step):
    e = frozen(p["item.id"], known_items(p, b)[:, None])
    e = torch.where(kept_ids(p, c, b, step)[:, None], e, torch.zeros_like(e))
    if "item.category" in p:
        e = e + p["item.category"][b["catalogue.category"]].sum(1)
    if "item.number" in p:
        e = e + b["catalogue.number"].to(e.dtype) @ p["item.number"]
    if "item.text" in p:
        size = b["catalogue.text_offset"].diff()
        bag = torch.repeat_interleave(torch.arange(len(e)), size)
        text = torch.zeros_like(e).index_add(0, bag, p["item.text"][b["catalogue.text"]])
        e = e + text / size.clamp(min=1).to(e.dtype).sqrt()[:, None]
    return e


def encode(p, c, b, step, keep=None):
    """States h [tokens, dim]; `keep` is a dict that receives the activations."""
    e, r = items(p, c, b, step), rounding.of(c)
    x = e[b["item"]] + p["action.embedding"][b["action"]] + p["gap.embedding"][b["gap"]]
    if "user.category" in p:
        x = x + p["user.category"][b["user_category"]].sum(1)
    if "user.number" in p:
        x = x + b["user_number"].to(x.dtype) @ p["user.number"]
    if "event.number" in p:
        x = x + b["feature"].to(x.dtype) @ p["event.number"]
    x = r.store(dropout(r.store(x), c, 0, step))
    kept = {"activation.embedding": x}
    for l in range(int(c["model.layers"])):
        w = {n.split(".", 2)[2]: t for n, t in p.items() if n.startswith("block.%d." % l)}
        times = lambda y, name: r.store(y @ r.weight(w[name]).T)
        qkv = times(r.store(rmsnorm(x, w["attention.norm"])), "attention.qkv")
        q, k, v = qkv.reshape(len(x), 3, int(c["model.heads"]), -1).unbind(1)
        q, k = r.store(rope(q, b["position"])), r.store(rope(k, b["position"]))
        o = attention(q, k, v, b["cu_seqlens"], r.attend)
        x = r.store(x + dropout(times(o, "attention.out"), c, 1 + 2 * l, step))
        gate, up = times(r.store(rmsnorm(x, w["mlp.norm"])), "mlp.gate_up").chunk(2, -1)
        y = r.store(gate * torch.sigmoid(gate) * up)
        x = r.store(x + dropout(times(y, "mlp.down"), c, 2 + 2 * l, step))
        kept["activation.block.%d" % l] = x
    kept["activation.final"] = h = r.store(rmsnorm(x, p["final.norm"]))
    if keep is not None:
        keep.update(kept)
    return h


def state_tokens(b):
    return b.get("state", torch.arange(len(b["item"])))


def states(p, c, b, step, keep=None):
    """-> the states in which the next events were chosen, 0 where there is none; and the encoder's
    outputs of all tokens."""
    h, state = encode(p, c, b, step, keep), state_tokens(b)
    return torch.where((state >= 0)[:, None], h[state.clamp(min=0)], torch.zeros_like(h)), h


# ---- Sections 5 and 6: heads, objectives


class ActionValues:
    """Q of a network at states h: `all` [tokens, items], pick(a) [tokens]."""

    def __init__(self, p, c, b, step, h, h_again):
        self.r, self.items, self.bias = rounding.of(c), items(p, c, b, step), p["q.bias"]
        self.u = self.r.store(h @ self.r.weight(p["q.weight"]).T)
        self.state = self.r.back(h_again @ self.r.weight(p["value.weight"]).T) + p["value.bias"]
        self.all = self.state + self.u @ self.r.weight(self.items).T + self.bias

    def pick(self, a):
        return self.state[:, 0] + (self.u * self.r.back(self.items[a])).sum(1) + self.bias[a]


def backup_values(term, online, target, z, v, c, b):
    """B(s) of every token; NaN where it does not exist. z: scores of a policy head, for bcq and
    crr; v: V, for iql."""
    q, target_q, pick = online.all, target.all, target.pick
    if term == "q_learning":
        return target_q.max(1).values
    if term == "double_q":
        return pick(q.argmax(1))
    if term == "bcq":
        allowed = z - z.max(1, keepdim=True).values > math.log(float(c["learn.allowed"]))
        return pick(q.masked_fill(~allowed, -math.inf).argmax(1))
    if term == "iql":
        return v
    if term == "crr":
        return (z.softmax(1) * target_q).sum(1)
    if term == "expected_sarsa":
        return ((target_q / float(c["learn.temperature"])).softmax(1) * target_q).sum(1)
    if term == "soft_q":
        t = float(c["learn.temperature"])
        return t * (target_q / t).logsumexp(1)
    assert term == "sarsa", term
    return torch.where(
        b["target"] >= 0, pick(b["target"].clamp(min=0)), torch.full_like(q[:, 0], math.nan)
    )


def td_targets(value, c, b):
    """y of every token; NaN where it does not exist."""
    gamma, n = float(c["learn.gamma"]), int(c["learn.n_step"])
    reward, end, y = b["reward"].tolist(), b["end"].tolist(), torch.full_like(value, math.nan)
    for first, last in zip(b["cu_seqlens"][:-1].tolist(), b["cu_seqlens"][1:].tolist()):
        for i in range(first, last - 1):
            total, m = 0.0, 0
            while True:
                total += gamma**m * reward[i + m]
                m += 1
                if end[i + m - 1] or m == n or i + m == last - 1:
                    break
            y[i] = total + (0.0 if end[i + m - 1] == 1 else gamma**m * value[i + m])
    return y


def events_of(b, item):
    """[rows, width, tokens]: whether the token is an event of the candidate, among the last
    REPEATS events of the row's history."""
    cu, token = b["cu_seqlens"], torch.arange(len(b["item"]))
    window = torch.searchsorted(cu, token, right=True)
    state = state_tokens(b)
    distance = state[:, None] - token
    near = (distance >= 0) & (distance < candidates.REPEATS) & (state >= 0)[:, None]
    near = near & (window[state.clamp(min=0)][:, None] == window)
    return near[:, None, :] & (item[:, :, None] == b["item"]), distance


def counted_scores(p, c, b, step, h, h_all, u):
    """Scores of the candidates as scores of all items: -inf elsewhere."""
    if "candidates.item" not in b:
        arrays = {n: t.numpy() for n, t in b.items()}
        found = candidates.candidates(arrays, int(c["model.candidates"]))
        b.update({"candidates." + n: torch.from_numpy(t) for n, t in found.items()})
    w = {n.split(".", 1)[1]: t for n, t in p.items() if n.startswith("candidates.")}
    item, state = b["candidates.item"], state_tokens(b)
    s = b["candidates.state"].to(h.dtype)
    f = (b["candidates.feature"].to(h.dtype) - w["mean"].detach()) * w["scale"].detach()
    event = (state >= 0)[:, None] * (w["action"][b["action"]] + w["gap"][b["gap"]])[
        state.clamp(min=0)
    ]
    hidden = s @ w["hidden_state"].T + h @ w["hidden_h"].T + event
    units = torch.relu(f @ w["hidden"].T + hidden[:, None, :])
    base = s @ w["state"][0] + w["base"]
    has, distance = events_of(b, item)
    query, key = h @ w["query"].T, h_all @ w["key"].T
    attention = query @ key.T / math.sqrt(query.shape[1])
    attention = attention + w["distance"][distance.clamp(0, candidates.REPEATS - 1)]
    seen = has.any(2)
    pointed = attention[:, None, :].expand(has.shape)
    pointed = torch.where(has, pointed, torch.full_like(pointed, -1e30)).logsumexp(2)
    dense = (u @ items(p, c, b, step).T).gather(1, item.clamp(min=0))
    r = base[:, None] + w["dense"] * dense + f @ w["linear"] + units @ w["out"]
    r = r + torch.where(seen, pointed, torch.zeros_like(pointed))
    rows, places = torch.nonzero(item >= 0, as_tuple=True)
    none = torch.full((len(item), len(p["item.id"])), -math.inf, dtype=h.dtype)
    return none.index_put((rows, item[rows, places]), r[rows, places])


def policy_scores(p, c, b, step, h, h_all):
    r = rounding.of(c)
    u = r.store(h @ r.weight(p["policy.weight"]).T)
    z = u @ r.weight(items(p, c, b, step)).T + frozen(p["policy.bias"], known_items(p, b))
    if "candidates.linear" not in p:
        return z
    return torch.logaddexp(z, counted_scores(p, c, b, step, h, h_all, u))


def in_rewards(c, score):
    """Values of Q, given its scores."""
    return score.exp() if int(c.get("learn.log_values", 0)) else score


def trace_targets(term, target, z, c, b):
    """y of sarsa_lambda and retrace; NaN where it does not exist. z: scores of the policy head."""
    gamma, lam, t = float(c["learn.gamma"]), float(c["learn.lambda"]), float(c["learn.temperature"])
    action = b["target"].clamp(min=0)
    logged, y = in_rewards(c, target.pick(action)), torch.full_like(target.all[:, 0], math.nan)
    if term == "retrace":
        policy = (target.all / t).softmax(1)
        after = (policy * target.all).sum(1)
        ratio = (policy / z.softmax(1)).gather(1, action[:, None].long())[:, 0].clamp(max=1)
    else:
        after, ratio = torch.where(
            b["target"] >= 0, logged, torch.full_like(logged, math.nan)
        ), torch.ones_like(logged)
    end, reward = b["end"].tolist(), b["reward"]
    for first, last in zip(b["cu_seqlens"][:-1].tolist(), b["cu_seqlens"][1:].tolist()):
        for i in reversed(range(first, last - 1)):
            y[i] = reward[i] + (0.0 if end[i] == 1 else gamma * after[i + 1])
            if end[i] == 0 and i + 1 < last - 1 and not torch.isnan(y[i + 1]):
                y[i] = y[i] + gamma * lam * ratio[i + 1] * (y[i + 1] - logged[i + 1])
    return y


# ---- Section 6: policies that are improved


def state_values(p, h):
    return (h @ p["critic.weight"].T + p["critic.bias"])[:, 0]


def backward_returns(c, b, value, rho=None, trace=None, bootstrap=True):
    """[tokens] of (target of V, advantage); 0 where there is no transition. rho, trace: ratios, 1
    where absent."""
    gamma, lam = float(c["learn.gamma"]), float(c["learn.lambda"]) if bootstrap else 1.0
    end, reward = b["end"].tolist(), b["reward"]
    target, advantage = torch.zeros_like(value), torch.zeros_like(value)
    for first, last in zip(b["cu_seqlens"][:-1].tolist(), b["cu_seqlens"][1:].tolist()):
        rest = torch.zeros((), dtype=value.dtype)
        for i in reversed(range(first, last - 1)):
            cut = end[i] != 0 or i + 1 == last - 1
            delta = (
                reward[i] + (gamma * value[i + 1] if bootstrap and end[i] != 1 else 0.0) - value[i]
            )
            advantage[i] = delta + (0.0 if cut else gamma * rest)
            rest = (1 if rho is None else rho[i]) * delta + (
                0.0 if cut else gamma * lam * (1 if trace is None else trace[i]) * rest
            )
            target[i] = value[i] + rest
    return target, advantage


def improved(term, p, target_p, c, b, step, h, h_all):
    """The losses of iql, crr, reinforce, vtrace and ppo beside the TD loss."""
    out, has = {}, b["target"] >= 0
    action = b["target"].clamp(min=0)[:, None].long()
    logits = policy_scores(p, c, b, step, h, h_all)
    log_pi = logits.log_softmax(1).gather(1, action)[:, 0]
    pi, chosen = logits.softmax(1).detach(), log_pi.detach()
    q = ActionValues(p, c, b, step, h, h) if "q.weight" in p else None
    v = state_values(p, h) if "critic.weight" in p else None
    if term in ("reinforce", "vtrace", "ppo", "sa2c"):
        if "behaviour.weight" in p:
            with torch.no_grad():
                e = items(p, c, b, step)
            estimate = (h.detach() @ p["behaviour.weight"].T) @ e.T + p["behaviour.bias"]
            out["behaviour"] = F.cross_entropy(estimate[has], b["target"][has])
            beta = estimate.detach().log_softmax(1).gather(1, action)[:, 0]
        else:
            beta = b["propensity"].to(h.dtype).log()
        ratio = (chosen - beta).exp()
        capped = ratio.clamp(max=float(c["learn.ratio_max"]))
        if float(c["learn.entropy"]) > 0:
            out["entropy"] = -(logits.softmax(1) * logits.log_softmax(1)).sum(1)[has].mean()
    if term == "sa2c":
        n, others = float(c["learn.negatives"]), q.all.detach().scatter(1, action, 0.0).sum(1) / (
            q.all.shape[1] - 1
        )
        advantage = n / (n + 1) * (q.pick(action[:, 0]).detach() - others)
        out["policy"] = -(advantage.clamp(0, 10) * ratio ** float(c["learn.smooth"]) * log_pi)[
            has
        ].mean()
    if term == "reinforce":
        gain, _ = backward_returns(c, b, torch.zeros_like(chosen), bootstrap=False)
        k = int(c["learn.slate"])
        out["policy"] = -(capped * k * (1 - chosen.exp()) ** (k - 1) * gain * log_pi)[has].mean()
    if term == "vtrace":
        y, advantage = backward_returns(c, b, v.detach(), capped, ratio.clamp(max=1))
        out["value"] = ((v - y)[has] ** 2 / 2).mean()
        out["policy"] = -(capped * advantage * log_pi)[has].mean()
    if term == "ppo":
        y, _ = backward_returns(c, b, v.detach())
        advantage, now, clip = y - v.detach(), (log_pi - beta).exp(), float(c["learn.clip"])
        out["value"] = ((v - y)[has] ** 2 / 2).mean()
        out["policy"] = -torch.minimum(now * advantage, now.clamp(1 - clip, 1 + clip) * advantage)[
            has
        ].mean()
    if term in ("iql", "crr"):
        with torch.no_grad():
            lagged_h, _ = states(target_p, c, b, None)
            lagged = ActionValues(target_p, c, b, None, lagged_h, lagged_h)
            if term == "iql":
                advantage = lagged.pick(action[:, 0]) - v
            else:
                advantage = q.pick(action[:, 0]) - (pi * q.all).sum(1)
            weight = (
                (advantage / float(c["learn.temperature"]))
                .exp()
                .clamp(max=float(c["learn.weight_max"]))
            )
        if term == "iql":
            error, tau = lagged.pick(action[:, 0]) - v, float(c["learn.expectile"])
            out["value"] = (torch.where(error > 0, tau, 1 - tau) * error * error)[has].mean()
        out["policy"] = -(weight * log_pi)[has].mean()
    return out


def losses(p, target_p, c, b, step, keep=None):
    """{"total", ...}: the loss and its terms. `step` counts from 0; None: without dropout."""
    h, h_all = states(p, c, b, step, keep)
    h_policy, h_q, h_value, h_next = rounding.shares(h, c, 4)
    terms, has, r = c["learn.objective"].split("+"), b["target"] >= 0, rounding.of(c)
    taken = b.get("taken", b["target"])
    imitated = b["target"] if {"retrace", "bcq"} & set(terms) else taken
    terms = [t for term in terms for t in PARTS.get(term, (term,))]
    out = {}
    if "cross_entropy" in terms:
        z = r.back(policy_scores(p, c, b, step, h_policy, h_all)[imitated >= 0])
        out["cross_entropy"] = F.cross_entropy(z, imitated[imitated >= 0])
    for term in terms:
        if term in IMPROVE:
            out.update(improved(term, p, target_p, c, b, step, h, h_all))
        if term in ("cross_entropy", "cql", "negatives", "reinforce", "vtrace", "ppo", "sa2c"):
            continue
        q = ActionValues(p, c, b, step, h_q, h_value)
        with torch.no_grad():
            target_h, target_all = states(target_p, c, b, None)
            target_q = ActionValues(target_p, c, b, None, target_h, target_h)
            needs_policy = term in ("retrace", "bcq")
            z = policy_scores(p, c, b, step, h, h_all) if needs_policy else None
            if term in ("sarsa_lambda", "retrace"):
                y = trace_targets(term, target_q, z, c, b)
            else:
                if term == "crr":
                    z = policy_scores(target_p, c, b, None, target_h, target_all)
                v = state_values(p, h) if term == "iql" else None
                y = td_targets(in_rewards(c, backup_values(term, q, target_q, z, v, c, b)), c, b)
        valid, k = ~torch.isnan(y) & has, float(c["learn.huber"])
        score = q.pick(b["target"].clamp(min=0))[valid]
        y = y[valid]
        error = score - y
        square, size = error * error / 2, error.abs()
        if int(c.get("learn.log_values", 0)):
            out["td"] = (score.exp() - y - y * score + torch.xlogy(y, y)).mean()
        else:
            out["td"] = (
                square if k == 0 else torch.where(size <= k, square, k * (size - k / 2))
            ).mean()
    if "negatives" in terms:
        q = ActionValues(p, c, b, step, h_q, h_value)
        with torch.no_grad():
            target_h, _ = states(target_p, c, b, None)
            target_q = ActionValues(target_p, c, b, None, target_h, target_h)
            stay = float(c["learn.gamma"]) * target_q.pick(q.all.argmax(1))
        square = ((q.all - stay[:, None]) ** 2 / 2).scatter(
            1, b["target"].clamp(min=0)[:, None].long(), 0.0
        )
        out["negatives"] = (square.sum(1) / (q.all.shape[1] - 1))[has].mean()
    if "cql" in terms:
        z = ActionValues(p, c, b, step, h_q, h_value).all[has]
        out["conservative"] = F.cross_entropy(z, b["target"][has])
    if "next.weight" in p:
        done = taken >= 0
        n = r.back(r.back(h_next)[done] @ r.weight(p["next.weight"]).T + p["next.bias"])
        out["next_action"] = F.cross_entropy(n, b["target_action"][done])
    if "outcome.weight" in p:
        out["outcome"] = answers.loss(p, b, h, items(p, c, b, step), state_tokens(b))
    weight = {
        "cross_entropy": 1.0,
        "td": float(c["learn.td_weight"]),
        "next_action": float(c["learn.action_weight"]),
        "conservative": float(c.get("learn.alpha", 1)),
        "policy": 1.0,
        "behaviour": 1.0,
        "negatives": float(c["learn.td_weight"]) * float(c.get("learn.negatives", 0)),
        "value": float(c.get("learn.value_weight", 0)),
        "entropy": -float(c.get("learn.entropy", 0)),
        "outcome": float(c.get("learn.outcome", 0)),
    }
    out["total"] = sum(weight[name] * loss for name, loss in out.items())
    return out


def gradients(p, target_p, c, b, step, keep=None):
    """-> losses, {name: gradient}; a parameter that the loss does not touch has gradient 0."""
    p = {n: t.detach().clone().requires_grad_() for n, t in p.items()}
    loss = losses(p, target_p, c, b, step, keep)
    grads = torch.autograd.grad(loss["total"], list(p.values()), allow_unused=True)
    return loss, {n: torch.zeros_like(t) if g is None else g for (n, t), g in zip(p.items(), grads)}


# ---- Section 7: optimizer


def learning_rate(c, t):
    lr, floor, warmup = float(c["optim.lr"]), float(c["optim.lr_floor"]), int(c["optim.warmup"])
    if t <= warmup:
        return lr * t / warmup
    done = (t - warmup) / (int(c["train.steps"]) - warmup)
    return lr * (floor + (1 - floor) * (1 + math.cos(math.pi * min(1.0, done))) / 2)


def decay(c, name):
    if name in EMBEDDINGS:
        return float(c["optim.embedding_decay"])
    if name.startswith(COUNTED) and name not in COUNTED_MATRICES:
        return 0.0
    return 0.0 if name.endswith((".norm", ".bias")) else float(c["optim.weight_decay"])


def rate(name):
    """By which the learning rate of a parameter is multiplied."""
    if name in CONSTANTS or name.startswith("calibration."):
        return 0.0
    return 4.0 if name.startswith("candidates.") else 1.0


def train(p, target_p, c, b, steps):
    """`steps` optimizer steps on one batch from step 0 -> parameters, target parameters, gradient
    norms."""
    p, target_p = dict(p), dict(target_p)
    b1, b2, eps, clip = (float(c["optim." + n]) for n in ("beta1", "beta2", "eps", "clip"))
    m, v = ({n: torch.zeros_like(t) for n, t in p.items()} for _ in range(2))
    norms = []
    for t in range(1, steps + 1):
        _, grad = gradients(p, target_p, c, b, t - 1)
        norms.append(math.sqrt(sum((g.double() ** 2).sum().item() for g in grad.values())))
        scale = min(1.0, clip / (norms[-1] + 1e-6)) if clip > 0 else 1.0
        for n, g in grad.items():
            g = g * scale
            m[n] = b1 * m[n] + (1 - b1) * g
            v[n] = b2 * v[n] + (1 - b2) * g * g
            update = (m[n] / (1 - b1**t)) / (torch.sqrt(v[n] / (1 - b2**t)) + eps)
            p[n] = p[n] - learning_rate(c, t) * rate(n) * (update + decay(c, n) * p[n])
        every, polyak = int(c["learn.copy_every"]), float(c["learn.polyak"])
        if every == 0:
            target_p = {n: target_p[n] + polyak * (p[n] - target_p[n]) for n in p}
        elif t % every == 0:
            target_p = dict(p)
    return p, target_p, norms


# ---- Files


def batch_of(tensors):
    """The batch of a golden or trace file: "batch.item" -> item, ..."""
    b = {
        n[6:] if n.startswith("batch.") else n: torch.from_numpy(t.copy())
        for n, t in tensors.items()
        if n.startswith(("batch.", "catalogue.", "counts."))
    }
    return {n: t.long() if not t.is_floating_point() else t for n, t in b.items()}


def parameters_of(tensors, prefix, dtype):
    return {
        n[len(prefix) :]: torch.from_numpy(t.copy()).to(dtype)
        for n, t in tensors.items()
        if n.startswith(prefix)
    }


def relative_l2(a, b):
    """|a - b| / |b| in float64; |a| where b is zero."""
    a, b = (np.asarray(t, dtype=np.float64).reshape(-1) for t in (a, b))
    return float(np.linalg.norm(a - b) / (np.linalg.norm(b) or 1.0))
