/** Light or dark like the reader's system; narrow screens show labels above their bars; printed bars keep their colours. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--settle:#b8c4d3;--freeze:#e6a117;--frozen:#2f7fd1;--thaw:#17a08a;--request:#8a63c9;--failed:#d33232;--barrier:#1c2430;--good:#13795b}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#9aa6b5;--line:#333d49;--paper:#14191f;--settle:#4c5a6b;--freeze:#f0b73f;--frozen:#4b9bec;--thaw:#33c2aa;--request:#a98be0;--failed:#ff6b6b;--barrier:#fff;--good:#3fcf9f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:24px 20px;font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}h3{font-size:13px;margin:14px 0 4px;color:var(--soft);font-weight:600}
p{margin:4px 0}.soft{color:var(--soft)}.picture .soft{font-size:13px}.good{color:var(--good)}.bad,.problem{color:var(--failed)}
.verdict{font-weight:600;font-size:17px}.verdict,.advice,.soft,summary{overflow-wrap:anywhere}
a{color:inherit}summary{cursor:pointer}
ul{margin:6px 0;padding-left:20px}li{overflow-wrap:anywhere}
.facts{display:flex;flex-wrap:wrap;gap:8px 28px;margin:12px 0}.facts div{min-width:120px}.facts b{display:block;font-size:19px;font-variant-numeric:tabular-nums}
.facts span{color:var(--soft);font-size:13px}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:var(--soft)}
.legend i{display:inline-block;width:12px;height:12px;margin-right:5px;vertical-align:-1px;background:var(--c)}
.legend i.barrier{width:2px;background:var(--barrier)}
.row{display:grid;grid-template-columns:260px minmax(0,1fr);column-gap:12px;align-items:center}
.row .label{font-size:13px;line-height:20px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.row .label b{font-weight:600}.row .label span{color:var(--soft)}
.row svg{display:block;width:100%;height:20px}
.row:target{outline:2px solid var(--frozen);outline-offset:1px}.row{scroll-margin-top:48px}
.scale{color:var(--soft);font-size:12px}.scale.top{position:sticky;top:0;z-index:1;background:var(--paper);border-bottom:1px solid var(--line)}.axis{position:relative;height:18px}
.axis span{position:absolute;white-space:nowrap;font-variant-numeric:tabular-nums}
rect{stroke-width:1;vector-effect:non-scaling-stroke}
.settle{fill:var(--settle);stroke:var(--settle)}.freeze{fill:var(--freeze);stroke:var(--freeze)}.frozen{fill:var(--frozen);stroke:var(--frozen)}
.thaw{fill:var(--thaw);stroke:var(--thaw)}.request{fill:var(--request);stroke:var(--request)}
.failed{fill:var(--failed);fill-opacity:.35;stroke:var(--failed);stroke-width:2}
line{vector-effect:non-scaling-stroke}.tick{stroke:var(--line);stroke-width:1}.barrier{stroke:var(--barrier);stroke-width:1.5}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;width:100%}
th{text-align:left;color:var(--soft);font-weight:600;white-space:nowrap}th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}td{overflow-wrap:anywhere;min-width:60px}.whole,td.number{white-space:nowrap;overflow-wrap:normal}
tr.failed{background:color-mix(in srgb,var(--failed) 13%,transparent)}tr.failed:not(.why)>td{border-bottom:0}tr.why td{color:var(--failed)}tr.why div{position:sticky;left:12px;margin-left:12px;width:max-content;max-width:min(1160px,calc(100vw - 60px));overflow-wrap:anywhere}
footer{margin-top:28px;font-size:13px;overflow-wrap:anywhere;color:var(--soft)}
@media (max-width:640px){td{overflow-wrap:normal;min-width:0}body{padding:14px 12px}.row{grid-template-columns:minmax(0,1fr)}.row .label{line-height:16px;margin-top:4px}}
@media print{body{max-width:none;padding:0;font-size:11px}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.row,tr{break-inside:avoid}}
`;
