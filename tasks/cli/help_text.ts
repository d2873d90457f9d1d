// Lays out a help text for a terminal. Its source is written without a thought to line breaks:
//
//   Two or more lines that begin at the margin are a paragraph.
//
//     --flag VALUE   Two spaces before, two or more after it. Text that is indented further continues it.
//     deno task any other line that begins with two spaces is a command, or a row of a table: a word, and a text.

/** Columns of the narrowest terminal that people have. */
export const HELP_WIDTH = 80;

/** Replaces a space at which no line may be broken. */
const GLUE = "\u00a0";

/** A flag, or the name of a row, with its text. */
interface Entry {
  readonly name: string;
  text: string;
  /** Where its text begins. */
  readonly column: number;
}

/** What a line belongs to. */
type Part = { readonly paragraph: string[] } | { readonly entry: Entry } | { readonly command: string } | "blank";

/** The text with lines of at most {@linkcode HELP_WIDTH} characters; a single longer word stays whole. */
export function layOutHelp(text: string): string {
  const parts = partsOf(text.trim().split("\n"));
  const columns = columnsOf(parts);
  return parts.flatMap((part, i) => {
    if (part === "blank") return [""];
    if ("paragraph" in part) return wrapped(part.paragraph.join(" "), HELP_WIDTH);
    return "entry" in part ? entryLines(part.entry, columns[i]) : commandLines(part.command);
  }).join("\n");
}

function partsOf(lines: readonly string[]): Part[] {
  const parts: Part[] = [];
  for (const line of lines) {
    const last = parts.at(-1);
    const entry = entryOf(line);
    if (line.trim() === "") {
      parts.push("blank");
    } else if (!line.startsWith(" ")) {
      if (last !== undefined && last !== "blank" && "paragraph" in last) last.paragraph.push(line);
      else parts.push({ paragraph: [line] });
    } else if (entry !== undefined) {
      parts.push({ entry });
    } else if (/^ {3}/.test(line) && last !== undefined && last !== "blank" && "entry" in last) {
      last.entry.text += ` ${line.trim()}`;
    } else {
      parts.push({ command: line.trim() });
    }
  }
  return parts;
}

/** A line that begins an entry: flags, or the name of a row; then, after a gap, a text. */
function entryOf(line: string): Entry | undefined {
  const flags = /^ {2}(--\S+(?:, --\S+)*(?: \S+)?(?: {2,}--\S+(?: \S+)?)*)(?: +(?=\S)(.*))?$/.exec(line);
  const row = flags ?? /^ {2}(\S+(?: \S+)*) {2,}(\S.*)$/.exec(line);
  if (row === null) return undefined;
  const [, name, text = ""] = row;
  return { name, text, column: text === "" ? 0 : line.length - text.length };
}

/** For each entry, the column where the texts of its neighbours begin: most of those up to the next blank line. */
function columnsOf(parts: readonly Part[]): number[] {
  const columns: number[] = [];
  for (let begin = 0; begin < parts.length;) {
    const blank = parts.indexOf("blank", begin);
    const end = blank < 0 ? parts.length : blank + 1;
    const counts = new Map<number, number>();
    for (const part of parts.slice(begin, end)) {
      if (part === "blank" || !("entry" in part) || part.entry.column === 0) continue;
      counts.set(part.entry.column, (counts.get(part.entry.column) ?? 0) + 1);
    }
    const [usual = 0] = [...counts].toSorted(([, a], [, b]) => b - a)[0] ?? [];
    for (; begin < end; begin++) columns.push(usual);
  }
  return columns;
}

function entryLines({ name, text }: Entry, column: number): string[] {
  if (text === "") return wrapped(name.replaceAll(/(?<=\S) (?=\S)/g, GLUE), HELP_WIDTH, "  ", "  ");
  // If a name reaches into the column of texts, its text goes on the next line.
  const isShort = name.length + 4 <= column;
  const head = `  ${name}`;
  const lines = wrapped(text, HELP_WIDTH, " ".repeat(column));
  return isShort ? [head.padEnd(column) + lines[0].slice(column), ...lines.slice(1)] : [head, ...lines];
}

/** A command as it can be pasted, after two characters of a prompt: if it is too long, in several lines. */
export function layOutCommand(command: string): string {
  const quoted = command.replaceAll(/'[^']*'/g, (word) => word.replaceAll(" ", GLUE));
  return commandLines(quoted).join("\n").trimStart();
}

/** A command that is too long continues on the next line, as a shell reads it. */
function commandLines(command: string): string[] {
  const flagged = command.replaceAll(/(--?[a-z][\w-]*) (?=[^\s-])/g, `$1${GLUE}`);
  const lines = wrapped(flagged, HELP_WIDTH - 2, "      ");
  lines[0] = `  ${lines[0].trimStart()}`;
  return lines.map((line, i) => i < lines.length - 1 ? `${line} \\` : line);
}

/** Breaks a text between words. `gap` separates words on the same line. */
function wrapped(text: string, width: number, indent = "", gap = " "): string[] {
  const lines: string[] = [];
  for (const word of whole(text).split(/[ \n]+/)) {
    const longer = `${lines.at(-1)}${gap}${word}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.map((line) => line.replaceAll(GLUE, " "));
}

/** The text with spaces replaced where no line may end: in quotes of a command, and in a short default. */
function whole(text: string): string {
  return text.replaceAll(/"[^"]{1,40}"|\(default: [^ ]{1,16}\)/g, (words) => words.replaceAll(" ", GLUE));
}
