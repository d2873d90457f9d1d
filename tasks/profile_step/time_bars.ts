// Draws where a step's time goes, as SVG: a bar for each kernel, and inside it what the machine's limits allow.
import type { StepProfile } from "../../lib/accounting/step_profile.ts";
import { inlineStyle, markup } from "../../lib/io/markup.ts";
import { PAGE_COLOURS } from "../../lib/report/page.ts";
import { BAR_PARTS, profileBars } from "./profile_bars.ts";
import barStyle from "./profile_bars.css" with { type: "text" };

/** In pixels: the picture, its margins, and the height of a bar with its label. */
const WIDTH = 900;
const MARGIN = 16;
const ROW = 40;
const BAR = 12;

/** Where the bars begin, below the title and the key. */
const TOP = 76;

/** Distance between the parts of the key. */
const KEY_STEP = 236;

/**
 * For programs that draw SVG but know no custom properties: the light colours. Those that do use the style, and are dark
 * where the reader's system is.
 */
const PLAIN = { back: "#fff", text: "#222", muted: "#666", taken: "#c9ccd1", compute: "#0072b2", memory: "#e69f00" };

const STYLE = `${PAGE_COLOURS}${barStyle}
:root { height: auto; max-width: 100%; }
text { fill: var(--text); }
.back { fill: var(--back); }
.muted { fill: var(--muted); }
`;

/** Renders the profile; the same profile gives the same bytes. */
export function drawTimeBars(profile: StepProfile, title: string): string {
  const bars = profileBars(profile);
  const height = TOP + ROW * bars.length + MARGIN;
  const room = WIDTH - 2 * MARGIN;
  const pixels = (share: number) => (share * room).toFixed(2);
  const rect = (name: "taken" | "compute" | "memory", width: string, y: number) =>
    markup`<rect class="${name}" fill="${PLAIN[name]}" x="${MARGIN}" y="${y}" width="${width}" height="${BAR}"/>`;
  const rows = bars.map(({ label, figures, taken, least, bound }, i) => {
    const y = TOP + ROW * i;
    return markup`<text x="${MARGIN}" y="${y + 14}" fill="${PLAIN.text}">${label}</text>
<text class="muted" x="${WIDTH - MARGIN}" y="${y + 14}" text-anchor="end" fill="${PLAIN.muted}">${figures}</text>
${rect("taken", pixels(taken), y + 20)}${rect(bound, pixels(least), y + 20)}
`;
  });
  const key = BAR_PARTS.map(([name, words], i) => {
    const x = MARGIN + KEY_STEP * i;
    return markup`<rect class="${name}" fill="${PLAIN[name]}" x="${x}" y="46" width="${BAR}" height="${BAR}"/>
<text class="muted" x="${x + 18}" y="57" fill="${PLAIN.muted}">${words}</text>
`;
  });
  return String(
    markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">
${inlineStyle(STYLE)}
<rect class="back" fill="${PLAIN.back}" width="${WIDTH}" height="${height}"/>
<text x="${MARGIN}" y="28" font-size="17" font-weight="600" fill="${PLAIN.text}">${title}</text>
${key}${rows}</svg>
`,
  );
}
