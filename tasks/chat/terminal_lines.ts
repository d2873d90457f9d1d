// Lines that a person types at a terminal, with editing keys and the lines typed before.
import process from "node:process";
import { createInterface } from "node:readline";
import { CANCELLED } from "./turns.ts";

/** How many earlier lines the arrow keys reach. */
const HISTORY = 500;

/** Reads lines from a terminal. Between two lines the terminal is as it was: there, Ctrl-C is a signal. */
export class TerminalLines {
  #history: string[] = [];
  /** Lines that came with another one: somebody pasted several. */
  readonly #pasted: string[] = [];

  /**
   * Reads a line; `undefined` at the end: Ctrl-D, or Ctrl-C twice. The first Ctrl-C empties the line.
   * @param prompt What stands before it.
   */
  async read(prompt: string): Promise<string | typeof CANCELLED | undefined> {
    const pasted = this.#pasted.shift();
    if (pasted !== undefined) return pasted;
    const { promise, resolve } = Promise.withResolvers<string | typeof CANCELLED | undefined>();
    const terminal = createInterface({
      input: process.stdin,
      output: process.stderr,
      terminal: true,
      history: this.#history,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
    });
    let isRead = false;
    let isWarned = false;
    terminal.on("history", (history: string[]) => this.#history = history);
    terminal.on("line", (line: string) => {
      if (isRead) this.#pasted.push(line);
      else resolve(line);
      isRead = true;
      terminal.close();
    });
    terminal.on("close", () => resolve(undefined));
    terminal.on("SIGINT", () => {
      if (terminal.line !== "" || prompt !== PROMPT) {
        console.error("^C");
        resolve(CANCELLED);
        terminal.close();
      } else if (isWarned) {
        console.error("");
        terminal.close();
      } else {
        isWarned = true;
        console.error("\n(Ctrl-C again, or Ctrl-D, ends the chat)");
        terminal.prompt();
      }
    });
    terminal.setPrompt(prompt);
    terminal.prompt();
    return await promise;
  }
}

/** Before a text. */
export const PROMPT = "> ";
/** Before a line that continues one. */
export const CONTINUED = "… ";
