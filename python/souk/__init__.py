# SPDX-License-Identifier: Apache-2.0
"""souk: ingest a shop's log, train a model on it, recommend items with the model.

    import souk

    souk.ingest("log.csv", "shop.h5", plain_keys=True)
    souk.train("shop.h5", "run", {"train.steps": 1000})
    with souk.Model("run") as model:
        best = model.recommend([["1004", "998"]], k=5)
        print(best.keys[0], best.score[0])

Every failure is an exception of the type souk.Error, whose text says what was found and what was
wanted, and whose `status` says what kind of failure it is. Other threads of Python run while a call
of souk does. A call blocks signals on its thread, as souk.h asks for, and Ctrl-C takes effect at
the next call of a progress callback, or at the end."""

from ._call import Error, Status, version
from ._evaluate import evaluate, ope
from ._explain import Effects, Evidence, Explanation
from ._follow import Progress
from ._histories import Histories, History
from ._ingest import Ingest, ingest
from ._model import Model, Recommendations, Scores
from ._train import Training, train

__version__ = version
__all__ = [
    "Effects",
    "Error",
    "Evidence",
    "Explanation",
    "Histories",
    "History",
    "Ingest",
    "Model",
    "Progress",
    "Recommendations",
    "Scores",
    "Status",
    "Training",
    "evaluate",
    "ingest",
    "ope",
    "train",
    "version",
]
