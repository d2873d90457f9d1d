// Lines that fit the terminal: the most important part comes first, and what does not fit is left out.

/** What a terminal of unknown width has room for. */
const USUAL_COLUMNS = 80;

/** How many columns a line may take on stderr: those of the terminal, or any number where it is piped. */
export function columnsOfStderr(): number {
  return columnsOf(Deno.stderr);
}

/** The same on stdout. */
export function columnsOfStdout(): number {
  return columnsOf(Deno.stdout);
}

function columnsOf(stream: { isTerminal(): boolean }): number {
  if (!stream.isTerminal()) return Infinity;
  try {
    const { columns } = Deno.consoleSize();
    // Some terminals do not know.
    return columns > 0 ? columns : USUAL_COLUMNS;
  } catch {
    return USUAL_COLUMNS;
  }
}

/**
 * One line of the first texts, as many as there is room for. The first is there in any case, cut if it must be.
 * @param texts By importance; empty ones are passed over.
 * @param columns How long the line may be, in characters.
 */
export function fitLine(texts: readonly string[], columns: number, separator = "  "): string {
  const [first = "", ...others] = texts.filter((text) => text !== "");
  if (first.length > columns) return `${first.slice(0, Math.max(0, columns - 1))}…`.slice(0, columns);
  let line = first;
  for (const text of others) {
    if (line.length + separator.length + text.length > columns) break;
    line += separator + text;
  }
  return line;
}

/**
 * A text in lines that fit, broken between words; a longer word stays whole.
 * @param columns How long a line may be, in characters.
 * @param indent Columns before each line but the first, which has as many before it already.
 */
export function wrapText(text: string, columns: number, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && indent + last.length + 1 + word.length <= columns) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
