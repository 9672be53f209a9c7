"""The look of the page. Nothing is fetched from anywhere."""

CSS = '''
:root { --ink: #21242c; --soft: #6b6f7a; --line: #e3e0d8; --paper: #fbfaf7; --card: #ffffff; --accent: #1f6f78;
        --good: #2f8f5b; --warn: #b7791f; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 72px; }
header p { margin: 0; }
.eyebrow { color: var(--soft); font-size: 13px; letter-spacing: .08em; text-transform: uppercase; }
h1 { font-size: clamp(24px, 4.4vw, 36px); line-height: 1.2; font-weight: 650; letter-spacing: -.015em; margin: 6px 0 10px; }
h2 { font-size: 19px; font-weight: 650; margin: 48px 0 14px; }
.lead { color: var(--soft); overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 28px 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; }
.tile b { display: block; font-size: 27px; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 14px; }
.tile.good b { color: var(--good); } .tile.warn b { color: var(--warn); }
video, .sheet img { display: block; width: 100%; height: auto; border-radius: 12px; border: 1px solid var(--line); }
video { background: #111; max-height: 78vh; }
.sheet { overflow-x: auto; } .sheet img { min-width: 960px; }
.bars { display: grid; gap: 10px; }
.bar { display: grid; grid-template-columns: minmax(84px, 170px) 1fr 76px; gap: 14px; align-items: center; }
.bar i { display: block; height: 16px; border-radius: 8px; background: #eceae3; overflow: hidden; }
.bar i::before { content: ""; display: block; height: 100%; width: var(--share);
                  border-radius: 8px; background: var(--accent); }
.bar b { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 8px; padding: 0; margin: 0; list-style: none; }
.legend li { display: flex; align-items: center; gap: 8px; background: var(--card); border: 1px solid var(--line);
             border-radius: 999px; padding: 4px 13px 4px 7px; font-size: 14px; }
.legend i { width: 17px; height: 17px; border-radius: 50%; background: var(--color); }
.legend span { color: var(--soft); font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; min-width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--soft); }
td.text { white-space: normal; overflow-wrap: anywhere; text-align: left; }
svg[role="img"] { display: block; width: 100%; height: auto; background: var(--card); border: 1px solid var(--line);
      border-radius: 12px; }
svg[role="img"] .line { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round;
            stroke-linecap: round; }
svg[role="img"] .frozen { stroke: #9a6a3a; stroke-dasharray: 6 4; }
svg[role="img"] .adapted { stroke: var(--accent); stroke-width: 2.2; }
svg[role="img"] .frozen, svg[role="img"] .adapted { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg[role="img"] .lost { stroke: #c2410c; stroke-width: 1.5; } svg[role="img"] .grid { stroke: #d8d5cc; stroke-width: .7; }
svg[role="img"] text { fill: var(--soft); font-size: 14px; } svg[role="img"] .band { fill: var(--ink); }
.key { display: inline-block; width: 26px; height: 0; border-top: 3px solid var(--accent); vertical-align: middle; }
.key.frozen { border-top: 3px dashed #9a6a3a; }
.told { padding-left: 0; list-style: none; } .told li { display: grid; grid-template-columns: 64px 1fr; gap: 12px;
        padding: 7px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.told time { color: var(--soft); font-variant-numeric: tabular-nums; text-align: right; }
.told b { font-weight: 600; }
td.good { color: var(--good); } td.warn { color: var(--warn); }
details { margin-top: 14px; } summary { cursor: pointer; color: var(--accent); }
.notes li { overflow-wrap: anywhere; }
footer { margin-top: 56px; color: var(--soft); font-size: 14px; }
@media (max-width: 560px) { main { padding: 24px 16px 48px; } .bar { grid-template-columns: 78px 1fr 62px; gap: 10px; }
  svg[role="img"] text { font-size: 25px; } .sheet img { min-width: 780px; } }
'''
