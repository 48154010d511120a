# SPDX-License-Identifier: Apache-2.0
"""Published figures on the very test sessions of bench/quality.sh. bench/README.md names the
sources."""

# log -> [(scorer, HR@20, MRR@20)]: each position of each test session, among all items
PUBLISHED = {
    "diginetica": [("SR-GNN", 0.5073, 0.1759), ("GCE-GNN", 0.5422, 0.1904)],
    "yoochoose64": [("SR-GNN", 0.7057, 0.3094)],
    "retailrocket-sessions": [],
}
# The published test of RetailRocket asks from the third event of a session on.
LEAST_HISTORY = {"retailrocket-sessions": 2}
