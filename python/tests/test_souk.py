# SPDX-License-Identifier: Apache-2.0
"""Tests of the package: python test_souk.py SOUK FOLDER, where SOUK is the program that it is
compared with and FOLDER has log.csv. Prints a line of TAP for each test."""

import csv
import json
import math
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

import numpy as np

import souk
from tables import Table

try:
    import pyarrow.csv
except ImportError:
    pyarrow = None

SOUK, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
LOG, SHOP, RUN = FOLDER / "log.csv", FOLDER / "shop.h5", FOLDER / "run"
SMALL = {
    "learn.objective": "cross_entropy+double_q",
    "model": {"dim": 16, "length": 20},
    "train": {"tokens": 256, "valid_users": 50, "patience": 0, "quiet": True},
}


def program(*arguments):
    return subprocess.run(
        [SOUK, *map(str, arguments)], check=True, capture_output=True, text=True
    ).stdout


def recommended(*arguments):
    """What `souk recommend` prints, as the lists item keys, score, probability and q."""
    text = program("recommend", "--checkpoint", RUN, "--data", SHOP, "--json", *arguments)
    rows = json.loads(text)["recommendations"]
    number = lambda row, name: math.nan if row[name] is None else row[name]
    columns = [[number(row, name) for row in rows] for name in ("score", "probability", "q")]
    return [row["item"] for row in rows], *columns


class Case(unittest.TestCase):
    def refuses(self, status, pattern, function, *arguments, **named):
        with self.assertRaisesRegex(souk.Error, pattern) as caught:
            function(*arguments, **named)
        self.assertIs(caught.exception.status, status)


class Ingest(Case):
    def test_the_file_is_that_of_the_program(self):
        made = souk.ingest([LOG], FOLDER / "again.h5", plain_keys=True, force=True)
        program("ingest", "--force", "--plain-keys", LOG, FOLDER / "program.h5")
        told = [
            program("info", FOLDER / name).split("\n", 1)[1] for name in ("again.h5", "program.h5")
        ]
        self.assertEqual(told[0], told[1])
        with open(LOG, newline="") as log:
            rows = list(csv.DictReader(log))
        self.assertEqual(made.rows, len(rows))
        self.assertEqual(made.items, len({row["item_id"] for row in rows}))
        self.assertEqual(made.bad_rows, 0)

    def test_a_catalogue_grows(self):
        grown = FOLDER / "grown.h5"
        souk.ingest(LOG, grown, catalogue=RUN, plain_keys=True, force=True)
        program("ingest", "--force", "--plain-keys", "--catalogue", RUN, LOG, FOLDER / "program.h5")
        self.assertEqual(grown.read_bytes(), (FOLDER / "program.h5").read_bytes())
        with souk.Model(RUN, grown) as model:
            self.assertEqual(model.items, souk.Model(RUN).items)

    def test_settings_change_the_map(self):
        settings = {"clean": {"min_user_events": 20}, "split.valid": 0.2}
        few = souk.ingest(LOG, FOLDER / "few.h5", settings=settings, force=True)
        every = souk.ingest(LOG, FOLDER / "all.h5", force=True)
        self.assertTrue(0 < few.users < every.users)

    def test_what_was_wrong_is_said(self):
        self.refuses(souk.Status.USAGE, "exists already", souk.ingest, LOG, SHOP)
        self.refuses(souk.Status.IO, "no/such.csv", souk.ingest, "no/such.csv", FOLDER / "x.h5")
        wrong = {"columns": {"usr": "a"}}
        self.refuses(souk.Status.USAGE, "usr", souk.ingest, LOG, FOLDER / "x.h5", settings=wrong)
        two = {"columns.user": "a\nb"}
        self.refuses(souk.Status.USAGE, "line end", souk.ingest, LOG, FOLDER / "x.h5", settings=two)
        self.refuses(souk.Status.USAGE, "NUL", souk.ingest, "a\0b", FOLDER / "x.h5")
        self.assertFalse((FOLDER / "x.h5").exists())

    def test_a_callback_stops_it(self):
        stop = lambda progress: progress.stage == "writing"
        self.refuses(
            souk.Status.CANCELLED, "stopped", souk.ingest, LOG, FOLDER / "x.h5", callback=stop
        )
        self.assertFalse((FOLDER / "x.h5").exists())

    def test_remarks_and_progress(self):
        remarks, stages = [], []
        souk.ingest(
            LOG,
            FOLDER / "noted.h5",
            force=True,
            message=remarks.append,
            callback=lambda progress: stages.append(progress.stage),
        )
        self.assertIn("user=user_id", remarks[0])
        self.assertEqual(list(dict.fromkeys(stages)), ["reading", "cleaning", "writing"])


class IngestTables(Case):
    """A table makes the file that its CSV file makes, byte by byte."""

    def columns(self):
        with open(LOG, newline="") as log:
            rows = list(csv.DictReader(log))
        columns = {name: [row[name] or None for row in rows] for name in rows[0]}
        for name in ("user_id", "item_id", "timestamp"):
            columns[name] = np.array(columns[name], np.int64)
        return columns

    def assert_same_file(self, tables, **options):
        souk.ingest(LOG, FOLDER / "csv.h5", plain_keys=True, force=True, **options)
        made = souk.ingest(tables, FOLDER / "table.h5", plain_keys=True, force=True, **options)
        self.assertEqual((FOLDER / "csv.h5").read_bytes(), (FOLDER / "table.h5").read_bytes())
        return made

    def test_a_table_made_here(self):
        for batch in (1000, 77):
            table = Table(self.columns(), batch)
            made = self.assert_same_file(table, threads=2)
            self.assertEqual(made.rows, table.rows)
            self.assertEqual(table.live, 0)

    def test_real_numbers(self):
        columns = self.columns()
        columns["price"] = np.array([float(x or "nan") for x in columns["price"]])
        with open(LOG, newline="") as log, open(FOLDER / "short.csv", "w") as short:
            short.write(log.readline())
            for line in log:  # 2.50 is 2.5 in a table
                head, price = line.rstrip("\n").rsplit(",", 1)
                short.write(f"{head},{float(price) if price else ''}\n")
        souk.ingest(FOLDER / "short.csv", FOLDER / "csv.h5", plain_keys=True, force=True)
        souk.ingest(Table(columns, 500), FOLDER / "table.h5", plain_keys=True, force=True)
        self.assertEqual((FOLDER / "csv.h5").read_bytes(), (FOLDER / "table.h5").read_bytes())

    @unittest.skipIf(pyarrow is None, "pyarrow is not installed")
    def test_a_table_of_pyarrow(self):
        text = pyarrow.csv.ConvertOptions(column_types={"price": pyarrow.string()})
        table = pyarrow.csv.read_csv(LOG, convert_options=text)
        self.assert_same_file(table)
        self.assert_same_file(table.to_reader(max_chunksize=100))
        column = table.schema.get_field_index("action")
        self.assert_same_file(
            table.set_column(column, "action", table["action"].dictionary_encode())
        )

    def test_bad_rows_are_at_lines_of_the_csv_file(self):
        columns = self.columns()
        columns["item_id"] = [str(item) for item in columns["item_id"]]
        columns["item_id"][41] = None
        ingest = lambda: souk.ingest(
            Table(columns, 10), FOLDER / "x.h5", plain_keys=True, strict=True
        )
        self.refuses(souk.Status.FORMAT, "table:43: the item is empty", ingest)

    def test_several_tables_are_parts(self):
        tables = [Table(self.columns(), 1000) for _ in range(2)]
        made = souk.ingest(
            tables, FOLDER / "parts.h5", settings={"split.rule": "files"}, force=True
        )
        self.assertEqual(made.rows, 2 * tables[0].rows)

    def test_what_was_wrong_is_said(self):
        broken = Table(self.columns(), 10)
        broken.fail = True
        out = FOLDER / "x.h5"
        self.refuses(souk.Status.IO, "table: the Arrow stream failed", souk.ingest, broken, out)
        both = [LOG, Table(self.columns(), 10)]
        self.refuses(souk.Status.USAGE, "all of one kind", souk.ingest, both, out)
        self.refuses(souk.Status.USAGE, "builtins.int", souk.ingest, 5, out)
        self.refuses(souk.Status.USAGE, "builtins.dict", souk.ingest, [{}], out)
        self.refuses(souk.Status.USAGE, "input_count is 0", souk.ingest, [], out)

    def test_a_callback_stops_it(self):
        table = Table(self.columns(), 10)
        stop = lambda progress: progress.step > 0
        out = FOLDER / "x.h5"
        self.refuses(souk.Status.CANCELLED, "stopped", souk.ingest, table, out, callback=stop)
        self.assertEqual(table.live, 0)


class Train(Case):
    def test_the_model_is_that_of_the_program(self):
        options = ["model.dim=16", "model.length=20", "train.tokens=256", "train.valid_users=50"]
        options += ["train.patience=0", "train.quiet=1", "learn.objective=cross_entropy+double_q"]
        program("train", "--data", SHOP, "--out", FOLDER / "cli", "train.steps=30", *options)
        history = ["--row", 3]
        ours = recommended(*history)
        text = program(
            "recommend", "--checkpoint", FOLDER / "cli", "--data", SHOP, "--json", *history
        )
        rows = json.loads(text)["recommendations"]
        self.assertEqual(ours[0], [row["item"] for row in rows])
        self.assertEqual(ours[1], [row["score"] for row in rows])

    def test_a_stopped_training_goes_on_to_the_same_bits(self):
        out = FOLDER / "stopped"
        steps = []

        def stop(progress):
            steps.append(progress.step)
            return progress.step == 10

        settings = {**SMALL, "train": {**SMALL["train"], "steps": 30}}
        half = souk.train(SHOP, out, settings, callback=stop)
        self.assertEqual((half.steps, half.stopped), (10, True))
        self.assertEqual(steps, sorted(steps))
        whole = souk.train(SHOP, out, settings, resume=True)
        self.assertEqual((whole.steps, whole.stopped), (30, False))
        with souk.Model(out, SHOP) as resumed, souk.Model(RUN, SHOP) as once:
            histories = [once.items[:3], once.items[5:6]]
            both = [model.recommend(histories, 5) for model in (resumed, once)]
        np.testing.assert_array_equal(both[0].items, both[1].items)
        np.testing.assert_array_equal(both[0].score, both[1].score)

    def test_an_exception_leaves_it(self):
        def fail(progress):
            raise KeyError("mine")

        settings = {**SMALL, "train": {**SMALL["train"], "steps": 30}}
        with self.assertRaisesRegex(KeyError, "mine"):
            souk.train(SHOP, FOLDER / "failed", settings, callback=fail)

    def test_an_interrupt_leaves_it(self):
        def send(progress):
            if progress.step == 3:
                signal.raise_signal(signal.SIGINT)

        settings = {**SMALL, "train": {**SMALL["train"], "steps": 100000}}
        with self.assertRaises(KeyboardInterrupt):
            souk.train(SHOP, FOLDER / "interrupted", settings, callback=send)

    def test_what_was_wrong_is_said(self):
        self.refuses(
            souk.Status.USAGE, "steps", souk.train, SHOP, FOLDER / "x", {"train.steps": -1}
        )
        self.refuses(souk.Status.USAGE, "stps", souk.train, SHOP, FOLDER / "x", {"train.stps": 1})


class Recommend(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = souk.Model(RUN, SHOP)
        cls.items, cls.actions = cls.model.items, cls.model.actions

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def assert_says(self, best, row, wanted):
        keys, *numbers = wanted
        self.assertEqual(best.keys[row], keys)
        self.assertEqual([self.items[item] for item in best.items[row]], keys)
        for got, want in zip((best.score, best.probability, best.q), numbers):
            np.testing.assert_allclose(got[row], np.float32(want), rtol=1e-6)

    def test_a_history_as_by_the_program(self):
        a, b = self.items[4], self.items[2]
        best = self.model.recommend([souk.History([a, b], ["view", "purchase"])], 5)
        self.assert_says(best, 0, recommended("--history", f"{a}:view,{b}:purchase", "--k", 5))
        best = self.model.recommend([[a, b]], 5, include_seen=True)
        list_of = f"{a}:{self.actions[0]},{b}:{self.actions[0]}"
        self.assert_says(best, 0, recommended("--history", list_of, "--k", 5, "--include-seen"))

    def test_times_as_by_the_program(self):
        a, b = self.items[4], self.items[2]
        times = np.array(["2024-01-01T00:00", "2024-01-09T00:00"], "datetime64[s]")
        best = self.model.recommend([souk.History([a, b], times=times)], 5)
        action = self.actions[0]
        list_of = f"{a}:{action}@2024-01-01T00:00:00,{b}:{action}@2024-01-09T00:00:00"
        self.assert_says(best, 0, recommended("--history", list_of, "--k", 5))

    def test_a_user_as_by_the_program(self):
        best = self.model.recommend([souk.History(user=7)], 10)
        self.assert_says(best, 0, recommended("--row", 7))

    def test_arrays_are_as_lists(self):
        rng = np.random.default_rng(1)
        lengths = rng.integers(1, 30, 50)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        events = offsets[-1]
        items = rng.integers(0, len(self.items), events)
        actions = rng.integers(0, len(self.actions), events)
        times = np.cumsum(rng.integers(0, 10**7, events))
        users = np.where(np.arange(50) % 3 == 0, np.arange(50), -1)
        arrays = souk.Histories(items, offsets, actions, times, users)
        lists = [
            souk.History(
                [self.items[item] for item in items[i:j]],
                [self.actions[action] for action in actions[i:j]],
                times[i:j],
                None if user < 0 else int(user),
            )
            for i, j, user in zip(offsets, offsets[1:], users)
        ]
        a, b = self.model.recommend(arrays, 5), self.model.recommend(lists, 5)
        for name in ("items", "score", "probability", "q", "found"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        self.assertEqual(a.items.shape, (50, 5))
        self.assertEqual(a.items.dtype, np.int32)
        self.assertEqual(a.keys, b.keys)

    def test_a_table_of_numbers(self):
        table = np.array([[1, 2, 3], [4, 5, 6]], np.int64)
        a = self.model.recommend(table, 4)
        b = self.model.recommend([[self.items[item] for item in row] for row in table], 4)
        np.testing.assert_array_equal(a.score, b.score)

    def test_allow_and_block(self):
        best = self.model.recommend([[self.items[0]]], 4, allow=self.items[:4], block=[2])
        self.assertEqual(sorted(best.items[0].tolist()), [-1, -1, 1, 3])
        self.assertEqual(best.found.tolist(), [2])
        self.assertEqual(len(best.keys[0]), 2)
        self.assertTrue(np.isnan(best.score[0, 2:]).all())
        self.refuses(souk.Status.USAGE, "no item 'x'", self.model.recommend, [[0]], 4, allow=["x"])

    def test_the_folder_of_a_run_is_enough(self):
        histories = [[self.items[4], self.items[9]], [self.items[2], "never seen"], [7, -1]]
        best = self.model.recommend(histories, 5)
        with souk.Model(RUN) as alone:
            self.assertEqual(alone.items, self.items)
            again = alone.recommend(histories, 5)
            self.refuses(souk.Status.USAGE, "without data", alone.recommend, [souk.History(user=0)])
        np.testing.assert_array_equal(again.items, best.items)
        np.testing.assert_array_equal(again.score, best.score)

    def test_categories(self):
        best = self.model.recommend([[0]], 9, cap=("category", 1))
        self.assertLess(best.found[0], 9)
        none = self.model.recommend([[0]], 9, category=("category", [0]))
        self.assertEqual(none.found.tolist(), [0])
        usage, say = souk.Status.USAGE, self.model.recommend
        self.refuses(usage, "want one of category", say, [[0]], 9, cap=("colour", 1))
        self.refuses(usage, "has no row 99", say, [[0]], 9, category=("category", [99]))

    def test_explanations_are_those_of_the_program(self):
        run = ("recommend", "--checkpoint", RUN, "--data", SHOP, "--json")
        text = program(*run, "--row", 7, "--explain", "--k", 4)
        wanted = json.loads(text)["recommendations"]
        got = self.model.explain(souk.History(user=7), k=4, events=30)
        self.assertEqual([e.item for e in got], [row["item"] for row in wanted])
        for have, row in zip(got, wanted):
            why = row["why"]
            self.assertAlmostEqual(have.log_probability, why["log_probability"], 5)
            self.assertAlmostEqual(have.taste, why["taste"]["probability"], 7)
            self.assertAlmostEqual(sum(have.taste_terms.values()), have.taste_score, 4)
            self.assertAlmostEqual(have.q, row["q"], 5)
            if why["counts"]:
                self.assertEqual(list(have.counts_terms), list(why["counts"]["terms"]))
                self.assertAlmostEqual(sum(have.counts_terms.values()), have.counts_score, 4)
                self.assertEqual(have.seen, why["counts"]["seen"])
            parts = have.taste + have.counts
            self.assertAlmostEqual(parts / math.exp(have.log_probability), 1, 5)
            effects = [e["score"] for e in reversed(why["events"])]
            np.testing.assert_allclose(have.effects.score[: len(effects)], effects, atol=1e-5)
            self.assertTrue(np.isnan(have.effects.score[len(effects) :]).all())
            of_item = {item["item"]: item["score"] for item in why["items"]}
            effects = [of_item[e["item"]] for e in reversed(why["events"])]
            together = have.item_effects.score[: len(effects)]
            np.testing.assert_allclose(together, effects, atol=1e-5)
            last = why["events"][-1]["event"]
            self.assertEqual(
                [(last - e.before, e.item, e.times, e.next) for e in have.evidence],
                [(e["event"], e["item"], e["times"], e["next"]) for e in why["evidence"]],
            )
            self.assertIsNone(have.answers)

    def test_given_items_are_explained(self):
        keys = [self.items[0], self.items[5]]
        got = self.model.explain([self.items[1], self.items[0]], keys, events=1)
        self.assertEqual([e.item for e in got], keys)
        scores = [self.model.score([h], [keys]).probability[0] for h in ([1, 0], [1])]
        for e, whole, left in zip(got, *scores):
            self.assertAlmostEqual(e.effects.score[0], math.log(whole) - math.log(left), 3)
        self.assertEqual(self.model.explain([1], []), [])
        self.refuses(souk.Status.USAGE, "events is -1", self.model.explain, [1], [2], events=-1)
        self.refuses(souk.Status.USAGE, "no item 'x'", self.model.explain, [1], ["x"])

    def test_scores_are_those_of_recommend(self):
        best = self.model.recommend([[1, 2], [3]], 6)
        again = self.model.score([[1, 2], [3]], best.items)
        np.testing.assert_allclose(again.score, best.score, rtol=1e-5)
        np.testing.assert_allclose(again.q, best.q, rtol=1e-5)
        by_key = self.model.score([[1, 2], [3]], best.keys)
        np.testing.assert_array_equal(by_key.items, best.items)

    def test_nobody_asks(self):
        self.assertEqual(self.model.recommend([], 3).items.shape, (0, 3))
        self.assertEqual(self.model.score([], []).keys, [])

    def test_what_was_wrong_is_said(self):
        say, usage = self.model.recommend, souk.Status.USAGE
        self.refuses(
            usage,
            'history 0, event 0: .*no action "no".* want one of view',
            say,
            [souk.History([1], ["no"])],
        )
        self.refuses(usage, "k is 0", say, [[0]], 0)
        self.refuses(usage, "history 0: .*neither events nor a user", say, [[]])
        self.refuses(usage, "one history", say, "1")
        self.refuses(usage, "history 0 is a text", say, ["12"])
        self.refuses(usage, "offsets", say, souk.Histories([1, 2], [0, 3]))
        self.refuses(usage, "whole numbers", say, souk.Histories([1.5], [0, 1]))
        self.refuses(usage, "outside of", say, souk.Histories([2**40], [0, 1]))
        self.refuses(
            usage, "actions has 1 elements, want 2", say, souk.Histories([1, 2], [0, 2], [0])
        )
        self.refuses(usage, "oldest", say, [souk.History([1, 2], times=[2, 1])])
        self.refuses(usage, "rows of equal length", self.model.score, [[1], [2]], [[1], [1, 2]])

    def test_the_catalogue(self):
        self.assertEqual(self.model.find(self.items[7]), 7)
        self.assertIsNone(self.model.find("no such item"))
        self.assertIn("purchase", self.actions)
        self.assertGreater(self.model.users, 100)

    def test_a_closed_model_says_so(self):
        model = souk.Model(RUN, SHOP)
        model.close()
        model.close()
        self.refuses(souk.Status.USAGE, "closed", model.recommend, [[0]])
        self.refuses(souk.Status.IO, "no/such", souk.Model, "no/such", SHOP)

    def test_a_rule_is_obeyed(self):
        with souk.Model(RUN, SHOP, acting="q", exclude_last=0) as model:
            best = model.recommend([[self.items[0]]], 3)
        action = self.actions[0]
        wanted = recommended(
            "--history", f"{self.items[0]}:{action}", "--k", 3, "--acting", "q", "--exclude-last", 0
        )
        self.assert_says(best, 0, wanted)

    def test_threads_share_a_model_and_python_goes_on(self):
        wanted = self.model.recommend([[1, 2, 3]] * 300, 5)
        wrong, done = [], threading.Event()

        def ask():
            for _ in range(5):
                got = self.model.recommend([[1, 2, 3]] * 300, 5)
                if not np.array_equal(got.score, wanted.score):
                    wrong.append(got)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        steps, started = 0, time.monotonic()
        while any(thread.is_alive() for thread in threads):
            done.wait(0.001)
            steps += 1
        self.assertEqual(wrong, [])
        # A call that held the lock of Python would let this loop run only a few times.
        self.assertGreater(steps, 15 if time.monotonic() - started > 0.1 else 0)


class Evaluate(Case):
    def assert_same_report(self, ours, *arguments):
        path = FOLDER / "report.json"
        program(*arguments, "--quiet", "--json", path)
        self.assertEqual(ours, json.loads(path.read_text()))

    def test_a_model_as_by_the_program(self):
        ours = souk.evaluate(SHOP, RUN, users=50, seed=3, split="valid", threads=2)
        options = ["--users", 50, "--seed", 3, "--split", "valid"]
        self.assert_same_report(ours, "eval", "--data", SHOP, "--checkpoint", RUN, *options)
        self.assertEqual(ours["split"], "valid")
        models = [row for row in ours["groups"][0]["scorers"] if not row["baseline"]]
        self.assertTrue(0 < models[0]["NDCG@10"]["value"] < 1)

    def test_two_models_as_by_the_program(self):
        ours = souk.evaluate(SHOP, RUN, against=RUN, users=50, threads=2)
        both = ["--checkpoint", RUN, "--checkpoint", RUN]
        self.assert_same_report(ours, "eval", "--data", SHOP, *both, "--users", 50)
        self.assertEqual([model["model"] for model in ours["models"]], ["A", "B"])

    def test_scorers_alone_and_what_is_followed(self):
        stages = set()
        ours = souk.evaluate(SHOP, seen=True, callback=lambda progress: stages.add(progress.stage))
        self.assert_same_report(ours, "eval", "--data", SHOP, "--include-seen")
        self.assertTrue(stages)

    def test_what_was_wrong_is_said(self):
        usage = souk.Status.USAGE
        self.refuses(usage, "want valid or test", souk.evaluate, SHOP, split="train")
        self.refuses(usage, '"buy"', souk.evaluate, SHOP, purchase="buy")
        self.refuses(usage, "users is -1", souk.evaluate, SHOP, users=-1)
        self.refuses(souk.Status.IO, "no/such", souk.evaluate, "no/such.h5")
        self.refuses(
            souk.Status.CANCELLED, "stopped", souk.evaluate, SHOP, callback=lambda progress: True
        )

    def test_policies_as_by_the_program(self):
        world = FOLDER / "world.h5"
        program(
            *("simulate", "--world", "shop:items=60", "--policy", "popularity", "--quiet"),
            *("--out", world),
        )
        ours = souk.ope(world, policy="uniform", replicates=100, gamma=0.9, force=True)
        options = ["--policy", "uniform", "--replicates", 100, "--gamma", 0.9, "--force"]
        self.assert_same_report(ours, "ope", "--data", world, *options)
        self.assertTrue(ours["estimators"])
        usage = souk.Status.USAGE
        self.refuses(usage, "want uniform, popularity or logged", souk.ope, world, policy="best")
        self.refuses(usage, "want train, valid", souk.ope, world, split="tomorrow")
        self.refuses(usage, "gamma is 2", souk.ope, world, gamma=2)
        self.refuses(usage, "want one policy", souk.ope, world, RUN, policy="uniform")
        self.refuses(souk.Status.FORMAT, "estimates all the same", souk.ope, world, min_ess=1e12)


class Tap(unittest.TextTestResult):
    """One line of TAP a test, with the reason behind it where it failed."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.number = 0

    def line(self, test, good, why=""):
        self.number += 1
        name = test.id().removeprefix("__main__.").replace("_", " ")
        print(f"{'' if good else 'not '}ok {self.number} - {name}{why}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(test, True, f" # SKIP {reason}")

    def addError(self, test, error):
        super().addError(test, error)
        self.line(test, False)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.line(test, False)


if __name__ == "__main__":
    souk.ingest(LOG, SHOP, plain_keys=True, force=True)
    souk.train(SHOP, RUN, {**SMALL, "train": {**SMALL["train"], "steps": 30}}, force=True)
    runner = unittest.TextTestRunner(resultclass=Tap, verbosity=0)
    outcome = unittest.main(argv=sys.argv[:1], testRunner=runner, exit=False).result
    print(f"1..{outcome.testsRun}")
    sys.exit(not outcome.wasSuccessful())
