// A page about where a step's time goes, which looks like a report.
import { profileTable, type StepProfile } from "../../lib/accounting/step_profile.ts";
import { markup } from "../../lib/io/markup.ts";
import { pageHtml, pageTable } from "../../lib/report/page.ts";
import { BAR_PARTS, profileBars } from "./profile_bars.ts";
import barStyle from "./profile_bars.css" with { type: "text" };
import pageStyle from "./profile_page.css" with { type: "text" };

const percent = (share: number) => `${(100 * share).toFixed(3)}%`;

/** What stands above the bars. */
export interface ProfilePageHead {
  readonly title: string;
  /** What was measured on, and its limits. */
  readonly lines: readonly string[];
}

/** The page, complete in itself; the same profile gives the same bytes. */
export function profilePage(profile: StepProfile, { title, lines }: ProfilePageHead): string {
  const bars = profileBars(profile).map(({ label, figures, taken, least, bound }) =>
    markup`<div class="bar"><div><span>${label}</span><span class="figures">${figures}</span></div>
<svg width="100%" height="12" role="img" aria-label="${figures}"><rect class="taken" width="${
      percent(taken)
    }" height="12"/><rect class="${bound}" width="${percent(least)}" height="12"/></svg></div>\n`
  );
  const key = BAR_PARTS.map(([name, words]) =>
    markup`<span><svg width="12" height="12"><rect class="${name}" width="12" height="12"/></svg>${words}</span>`
  );
  const body = markup`${lines.map((line) => markup`<p class="note">${line}</p>\n`)}
<h2>Time by kernel and shape</h2>
<p class="key">${key}</p>
${bars}
<h2>All kernels</h2>
${pageTable(profileTable(profile), true)}`;
  return pageHtml({ title, body, styles: [barStyle, pageStyle] });
}
