// The frame of every page: its head, its style and what it may do.
import { type Html, inlineScript, inlineStyle, markup } from "../io/markup.ts";
import { contentPolicy } from "./report_policy.ts";
import colours from "./page_colours.css" with { type: "text" };
import style from "./page.css" with { type: "text" };

/** The colours of pages and pictures, for light and dark: CSS custom properties of the root. */
export const PAGE_COLOURS: string = colours;

/** The parts of a page. */
export interface Page {
  /** Its title, also at its top. */
  readonly title: string;
  /** What comes below the title. */
  readonly body: Html;
  /** Style sheets before the page's own, such as a library's. */
  readonly libraryStyles?: readonly string[];
  /** Style sheets after it. */
  readonly styles?: readonly string[];
  /** Scripts, which run in order after the body. */
  readonly scripts?: readonly string[];
  /** Whether it may ask its own server for what is new. Default: false. */
  readonly isLive?: boolean;
}

/** A page that is complete in itself. */
export function pageHtml({ title, body, libraryStyles = [], styles = [], scripts = [], isLive = false }: Page): string {
  const sheets = [...libraryStyles, colours, style, ...styles];
  return String(markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy({ scripts, styles: sheets }, isLive)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
${lines(sheets.map(inlineStyle))}
</head>
<body>
<h1>${title}</h1>
${body}
${lines(scripts.map(inlineScript))}
</body>
</html>
`);
}

/** Each one on its own line. */
export function lines(parts: readonly Html[]): Html {
  return markup`${parts.map((part, i) => i === 0 ? part : markup`\n${part}`)}`;
}

/**
 * A table that scrolls sideways where it does not fit.
 * @param hasHead Whether the first row holds the headings of the columns.
 */
export function pageTable(rows: readonly (readonly string[])[], hasHead = false): Html {
  const shown = rows.map(([first, ...others], i) => {
    const cells = others.map((text) => hasHead && i === 0 ? markup`<th>${text}</th>` : markup`<td>${text}</td>`);
    return markup`<tr><th>${first}</th>${cells}</tr>`;
  });
  return markup`<div class="wide"><table>\n${lines(shown)}\n</table></div>`;
}
