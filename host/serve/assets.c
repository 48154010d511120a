/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/assets.h"

static const unsigned char page[] = {
#include "page.html.bytes"
};
static const unsigned char openapi[] = {
#include "openapi.json.bytes"
};

const Asset asset_page = {"text/html; charset=utf-8", page, sizeof page};
const Asset asset_openapi = {"application/json", openapi, sizeof openapi};
