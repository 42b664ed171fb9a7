/*
 * page_style - colours and shapes of the status page, for light and dark screens, wide and narrow ones
 */
#include "daemon/page_in.h"

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2530;"
    "--dim:#65717f;--line:#dfe4ea;--ok:#2e7d4f;--clean:#5aa17a;"
    "--skip:#b6bec8;--warn:#c98a1b;--error:#7b57b8;--bad:#c0392b}"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161b;--card:#1b2128;"
    "--ink:#e6eaef;--dim:#94a0ad;--line:#2c353f;"
    "--ok:#58b983;--clean:#3f8a62;--skip:#5a6673;--warn:#d9a441;--error:#a385d8;--bad:#e2604f}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:20px;background:var(--bg);color:var(--ink);"
    "font:14px/1.45 system-ui,'DejaVu Sans',sans-serif}"
    "main{max-width:1080px;margin:0 auto}"
    "header{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:baseline;margin-bottom:14px}"
    "h1{font-size:22px;margin:0}h2{font-size:15px;margin:0 0 8px}"
    ".dim,th,.n small{color:var(--dim);font-weight:normal}"
    ".state{padding:1px 10px;border-radius:10px;color:#fff;background:var(--ok)}"
    ".state.no{background:var(--bad)}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "padding:14px 16px;margin-bottom:14px;"
    "overflow-x:auto}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(125px,1fr));gap:12px 16px}"
    ".n{font-size:24px;font-variant-numeric:tabular-nums}.n small{display:block;font-size:12px}"
    ".n.bad{color:var(--bad)}.n.ok{color:var(--ok)}"
    "table{border-collapse:collapse;width:100%}"
    "th{text-align:left;font-size:12px}th,td{padding:4px 14px 4px 0;"
    "border-bottom:1px solid var(--line);vertical-align:top}"
    "tr:last-child td{border-bottom:0}td{font-variant-numeric:tabular-nums}"
    "th:last-child,td:last-child{padding-right:0}.name{overflow-wrap:anywhere;"
    "min-width:12em}.when{white-space:nowrap}"
    ".r{text-align:right}"
    ".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:14px}"
    ".infected,.evasion,.blocked,.down{color:var(--bad)}.error{color:var(--error)}"
    ".macro,.encrypted,.suspicious,.unscannable{color:var(--warn)}.up{color:var(--ok)}"
    "svg{display:block;width:100%;min-width:760px;height:auto}svg text{"
    "font-size:11px;fill:var(--dim)}"
    ".grid{stroke:var(--line)}.c0{fill:var(--clean)}.c1{fill:var(--skip)}.c2{"
    "fill:var(--warn)}.c3{fill:var(--error)}"
    ".c4{fill:var(--bad)}";

const char *
page_style(void)
{
	return style;
}
