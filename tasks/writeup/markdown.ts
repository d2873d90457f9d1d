// Sections of questions and answers, as Markdown.

/** One question: what the reference answers, and what was computed or measured here. */
export interface Answer {
  readonly question: string;
  readonly reference: string;
  readonly here: string;
}

/** A part of the write-up. */
export interface Section {
  readonly title: string;
  readonly answers: readonly Answer[];
  /** Paragraphs after the table: reasons, conditions, and where the reference contradicts itself. */
  readonly remarks?: readonly string[];
}

/** The whole document. */
export function formatMarkdown(title: string, intro: readonly string[], sections: readonly Section[]): string {
  const parts = sections.map(({ title, answers, remarks = [] }) => {
    const rows = answers.map(({ question, reference, here }) => [question, reference, here]);
    return [`## ${title}`, markdownTable(["", "reference", "here"], rows), ...remarks].join("\n\n");
  });
  return [`# ${title}`, ...intro, ...parts].join("\n\n") + "\n";
}

/** Text as code, whatever backticks it holds. */
export function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  // CommonMark takes one space off each side where both are there.
  const pad = /^`|`$|^ .* $/.test(text) ? " " : "";
  return `${fence}${pad}${text}${pad}${fence}`;
}

/** A table. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", "<br>")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
