# SPDX-License-Identifier: Apache-2.0
"""Published figures on the very splits of bench/quality.sh: log -> [(scorer, HR@20, MRR@20)]. Each
position of each test session is ranked among all items. bench/README.md names the sources."""

PUBLISHED = {
    "yoochoose64": [("SR-GNN", 0.7057, 0.3094)],
    "diginetica": [("SR-GNN", 0.5073, 0.1759), ("GCE-GNN", 0.5422, 0.1904)],
}
