// Tells from the beginning of a text whether it is a table of texts rather than one: JSON Lines, a JSON array, CSV.
import { isJsonObject } from "../io/json_fields.ts";

/** What a text is a table of. */
export type Structure = "JSON Lines" | "a JSON array" | "a table (CSV)" | "a table (TSV)";

/** Lines that are looked at. */
const LINES = 8;

/**
 * What the beginning of a text looks like, if not like prose or code. One JSON object, however long, is no table.
 *
 * @param head The beginning of the text.
 * @param isWhole Whether that is all of it.
 */
export function structureOf(head: string, isWhole: boolean): Structure | undefined {
  const text = head.replace(/^\ufeff/, "");
  if (/^\s*\{/.test(text)) return isJsonLines(text, isWhole) ? "JSON Lines" : undefined;
  if (/^\s*\[\s*[{"]/.test(text)) return isJsonArray(text, isWhole) ? "a JSON array" : undefined;
  if (isTable(text, ",", isWhole)) return "a table (CSV)";
  return isTable(text, "\t", isWhole) ? "a table (TSV)" : undefined;
}

/** At least two objects on lines of their own; or one whose first line is not over, in the middle of a text. */
function isJsonLines(text: string, isWhole: boolean): boolean {
  const lines = completeLines(text, isWhole).filter((line) => line.trim() !== "").slice(0, LINES);
  if (lines.length === 0) {
    const { isJson, depth, isInString } = scanJson(text);
    return isJson && depth === 1 && isInString;
  }
  if (!lines.every(isObject)) return false;
  if (lines.length > 1) return true;
  // The second line may be longer than the head.
  const rest = text.trimStart().slice(lines[0].trim().length).trimStart();
  return rest !== "" && rest.startsWith("{") && scanJson(rest).isJson;
}

function isObject(line: string): boolean {
  try {
    return isJsonObject(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function isJsonArray(text: string, isWhole: boolean): boolean {
  const { isJson, depth } = scanJson(text);
  // A whole one is closed; of another, the outermost bracket is open.
  return isJson && (isWhole ? depth === 0 : depth > 0);
}

/** Whether the text is made of what JSON is made of, how deep it is nested at its end, and whether a string is open there. */
function scanJson(text: string): { readonly isJson: boolean; readonly depth: number; readonly isInString: boolean } {
  let depth = 0, isInString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isInString) {
      if (char === "\\") at++;
      else if (char === '"') isInString = false;
      else if (char < " ") return { isJson: false, depth, isInString };
    } else if (char === '"') {
      isInString = true;
    } else if (char === "{" || char === "[") {
      depth++;
    } else if (char === "}" || char === "]") {
      depth--;
    } else if (!/[\s,:\d+\-.eEtrufalsn]/.test(char)) {
      return { isJson: false, depth, isInString };
    }
  }
  return { isJson: true, depth, isInString };
}

/** The fewest rows after the header. */
const ROWS = 2;

/** A header of single names, and rows of as many cells. */
function isTable(text: string, separator: string, isWhole: boolean): boolean {
  const rows = cellsOf(text, separator, isWhole).slice(0, LINES);
  const [header = []] = rows;
  return header.length > 1 && rows.length > ROWS &&
    header.every((name) => /^[\p{L}_][\p{L}\p{N}_.-]{0,40}$/u.test(name)) &&
    new Set(header).size === header.length && rows.every((row) => row.length === header.length);
}

/**
 * The complete rows of a table. Cells may be in quotes, with separators, line ends and doubled quotes in them.
 *
 * Source: RFC 4180
 */
function cellsOf(text: string, separator: string, isWhole: boolean): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], cell = "", isQuoted = false;
  for (let at = 0; at < text.length && rows.length < LINES; at++) {
    const char = text[at];
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[at++];
      else isQuoted = false;
    } else if (char === '"' && cell === "") {
      isQuoted = true;
    } else if (char === separator) {
      row.push(cell);
      cell = "";
    } else if (char === "\n") {
      rows.push([...row, cell.replace(/\r$/, "")]);
      row = [];
      cell = "";
    } else {
      cell += char;
    }
  }
  if (isWhole && !isQuoted && (cell !== "" || row.length > 0) && rows.length < LINES) rows.push([...row, cell]);
  return rows;
}

function completeLines(text: string, isWhole: boolean): string[] {
  const lines = text.split("\n");
  return isWhole ? lines : lines.slice(0, -1);
}
